"""Before layer ``platform`` is rendered: its charts are known and take what they are told, and GPUs are handed out in one way.

Everything else that a plan refuses still renders, and stands in the report beside what rules find. For these no values of a release
could be written, and what is judged and compared would lack it.
"""

from __future__ import annotations

from gpuplane.planning.chart_rules import chart_refusals
from gpuplane.planning.device_stacks import device_stack_refusals
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import InvalidSpec, SpecError


def require_renderable(spec: EnvironmentSpec) -> None:
    """Return only if every operator can be released as the environment says.

    Raises:
        InvalidSpec: with every version that is not known, every value that a chart does not take, and all that speaks against DRA.
    """
    refusals = (*chart_refusals(spec), *device_stack_refusals(spec))
    if refusals:
        raise InvalidSpec([SpecError(each.file, each.line, each.path, each.claim, each.remedy) for each in refusals])
