"""``kind: Runtime``: a model server as data. Shipped rows and a user's own (``runtimes/<name>.yaml``) have one shape."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.catalog import Sourced
from gpuplane.spec.errors import shown
from gpuplane.spec.model import Document, SpecModel

MODEL_DIRECTORY = "/mnt/models"
"""Where KServe mounts the weights, read-only, whatever the storage URI."""
RUNTIME_PLACEHOLDERS = ("{model_name}", "{model_directory}", "{port}")
"""What stands for the same text in every service of a runtime."""
SERVICE_PLACEHOLDERS = ("{model_repository}", "{drain_seconds}")
"""What each service has a value of its own for: its model repository, and how long it drains."""

Port = Annotated[int, Field(ge=1024, le=65535)]
"""A port that a process without rights can listen on."""
UrlPath = Annotated[str, StringConstraints(pattern=r"^/[-A-Za-z0-9._/]*$", max_length=100)]
Directory = Annotated[str, StringConstraints(pattern=r"^/[-A-Za-z0-9._/]*[-A-Za-z0-9._]$", max_length=200)]
ArgumentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,60}$")]
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$", max_length=100)]
Version = Annotated[str, StringConstraints(max_length=64, pattern=r"^[0-9]+(\.[0-9]+){1,3}((rc|post)[0-9]+)?$")]
"""A released version, e.g. ``1.2.0`` or ``26.09``."""
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]{0,100}$")]
MetricRole = Literal["running_requests", "waiting_requests", "ttft_seconds", "time_per_output_token_seconds", "latency_seconds",
                     "requests_total", "errors_total", "prompt_tokens_total", "output_tokens_total", "kv_cache_usage_ratio"]
"""What a metric says, whatever the server calls it; names with ``_seconds`` are histograms."""


class MetricsEndpoint(SpecModel):
    """Where Prometheus scrapes a server, and what its metrics are called."""

    port: Port
    """Port of the endpoint."""
    path: UrlPath
    """Path of the endpoint."""
    names: dict[MetricRole, MetricName] = Field(default_factory=dict)
    """The server's own name of each metric that it has."""


class Drain(SpecModel):
    """What the server does with requests in flight when it is told to stop (SIGTERM)."""

    method: Literal["argument", "sigterm", "wait"]
    """``argument``: finishes them for as long as an argument says; ``sigterm``: finishes them by itself; ``wait``: drops them, so the
    pod waits before it tells the server to stop."""
    argument: Annotated[str | None, Field(pattern=r"^--[-A-Za-z0-9_]+=\{drain_seconds\}$")] = None
    """The argument, e.g. ``--shutdown-timeout={drain_seconds}``."""
    since: Version | None = None
    """Version that it came with; older ones are waited for."""

    @model_validator(mode="after")
    def _argument_goes_with_its_method(self) -> Self:
        if (self.method == "argument") != (self.argument is not None):
            raise PydanticCustomError("drain", "argument goes with method argument, and only with it", {"field": ("argument",)})
        return self


class RuntimeArgument(SpecModel):
    """One command-line argument that services may set: what it may be decides what they may write."""

    type: Literal["integer", "number", "string", "boolean", "choice"]
    """``boolean`` is a flag without a value."""
    flag: Annotated[str, Field(pattern=r"^--[-A-Za-z0-9_]+(=[-A-Za-z0-9_]+,[-A-Za-z0-9_]+)?$", max_length=100)]
    """The argument as the server has it; its value follows after ``=``."""
    description: Annotated[str, Field(min_length=3, max_length=200)]
    """What it does, with its unit."""
    minimum: float | None = None
    """Least value of a number."""
    maximum: float | None = None
    """Largest value of a number."""
    choices: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] = ()
    """Words that a ``choice`` may be."""
    pattern: Annotated[str | None, Field(max_length=200)] = None
    """Regular expression that a ``string`` must match as a whole."""
    default: bool | int | float | str | None = None
    """What the server takes where it is left out."""

    @model_validator(mode="after")
    def _bounds_fit_the_type(self) -> Self:
        number = self.type in ("integer", "number")
        misplaced = [name for name, there in (("minimum", not number and self.minimum is not None),
                                              ("maximum", not number and self.maximum is not None),
                                              ("choices", (self.type == "choice") != bool(self.choices)),
                                              ("pattern", self.type != "string" and self.pattern is not None)) if there]
        if misplaced:
            raise PydanticCustomError("argument", "{field_name} does not go with type {type}",
                                      {"field_name": misplaced[0], "type": self.type, "field": (misplaced[0],)})
        return self


class RuntimeSpec(Sourced):
    """A model server: how it is started, probed, scraped, drained and confined."""

    title: Annotated[str, Field(min_length=3, max_length=80)]
    """Its name as its makers write it."""
    description: Annotated[str, Field(min_length=10, max_length=600)]
    """What it serves, and why it runs as it does here."""
    image_repository: Annotated[str | None, Field(pattern=r"^[a-z0-9]([-a-z0-9._/:]*[a-z0-9])?$", max_length=200)] = None
    """Where its usual image is, for the reference; services pin their image by digest."""
    model_formats: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Za-z][-A-Za-z0-9_]*$", max_length=40)], ...], Field(min_length=1)]
    """KServe model formats that it serves; the first is the default of a service that names none."""
    protocol_versions: Annotated[tuple[Literal["v1", "v2", "grpc-v2"], ...], Field(min_length=1)]
    """Inference protocols that it speaks."""
    accelerators: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]+$", max_length=60)], ...], Field(min_length=1)]
    """Whose devices its images drive, as the domain of the device resource: ``nvidia.com``, ``google.com``."""
    command: tuple[Annotated[str, Field(min_length=1, max_length=2000)], ...] = ()
    """What the container runs; left out, the image's entry point."""
    args: tuple[Annotated[str, Field(min_length=1, max_length=300)], ...] = ()
    """Its arguments. {model_name}, {model_directory}, {port}, {model_repository} and {drain_seconds} are filled in."""
    environment: dict[VariableName, Annotated[str, Field(max_length=300)]] = Field(default_factory=dict)
    """Environment variables; no secrets."""
    port: Port
    """Port of its HTTP API."""
    grpc_port: Port | None = None
    """Port of its gRPC API."""
    readiness_path: UrlPath
    """Answers 200 only once the model is loaded."""
    liveness_path: UrlPath
    """Answers 200 while the process works, however busy it is."""
    metrics: MetricsEndpoint | None = None
    drain: Drain
    run_as_user: Annotated[int, Field(ge=1, le=65534)] = 1000
    """User that the image works as; never 0, for tenants' namespaces refuse it."""
    read_only_root: bool
    """True: it works with a root file system that nobody can write to."""
    writable_directories: tuple[Directory, ...] = ()
    """Where it must be able to write: an emptyDir each."""
    arguments: dict[ArgumentName, RuntimeArgument] = Field(default_factory=dict)
    """What services may set, by name."""
    device_arguments: tuple[ArgumentName, ...] = ()
    """Arguments whose product is the number of devices of a replica."""

    @model_validator(mode="after")
    def _placeholders_and_names_are_known(self) -> Self:
        known = (*RUNTIME_PLACEHOLDERS, *SERVICE_PLACEHOLDERS)
        for index, text in enumerate(self.args):
            rest = text
            for placeholder in known:
                rest = rest.replace(placeholder, "")
            if "{" in rest or "}" in rest:
                raise PydanticCustomError("placeholder", "{text} has a placeholder that is none of {known}",
                                          {"text": shown(text), "known": ", ".join(known), "field": ("args", index)})
        for index, name in enumerate(self.device_arguments):
            if name not in self.arguments or self.arguments[name].type != "integer":
                raise PydanticCustomError("device_argument", "{name} is no integer argument of this runtime",
                                          {"name": name, "field": ("device_arguments", index)})
        return self

    @model_validator(mode="after")
    def _the_environment_is_allowed(self) -> Self:
        if "PYTHONPATH" in self.environment:  # KServe's webhook refuses it in any container
            raise PydanticCustomError("environment", "KServe refuses a container that sets PYTHONPATH", {"field": ("environment",)})
        return self


class Runtime(Document[Literal["Runtime"], RuntimeSpec]):
    """A model server of your own (``runtimes/<name>.yaml`` beside the environments' folders)."""
