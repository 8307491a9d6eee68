"""GPUs: busy, hot, slow or broken, by node."""

from grafana_foundation_sdk.builders import dashboard

from gpuplane.components.dashboards.panels import board, choice, figure, graph

_HERE = 'modelName=~"$model",instance=~"$instance"'
_NAME = "{{hostname}}{{Hostname}} {{gpu}} {{GPU_I_PROFILE}} {{GPU_I_ID}}"


def build() -> dashboard.Dashboard:
    """The dashboard."""
    return (
        board("gpu", "gpuplane / GPUs", "Hardware as DCGM sees it. Busy is GR_ENGINE_ACTIVE: MIG devices have it, GPU_UTIL they have not.")
        .with_variable(choice("model", "GPU", "label_values(DCGM_FI_DEV_GPU_TEMP, modelName)", several=True))
        .with_variable(choice("instance", "Exporter", 'label_values(DCGM_FI_DEV_GPU_TEMP{modelName=~"$model"}, instance)', several=True))
        .with_row(dashboard.Row("Now"))
        .with_panel(figure("GPUs", "short", f"count(count by (UUID) (DCGM_FI_DEV_GPU_TEMP{{{_HERE}}}))", "Physical cards."))
        .with_panel(
            figure(
                "GPUs with an XID",
                "short",
                f"count(DCGM_FI_DEV_XID_ERRORS{{{_HERE}}} != 0) or vector(0)",
                "Since their exporter started.",
                1,
            )
        )
        .with_panel(figure("Busy", "percentunit", f"avg(DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{_HERE}}})", "Share of time that engines work."))
        .with_panel(figure("Power", "watt", f"sum(DCGM_FI_DEV_POWER_USAGE{{{_HERE}}})", "All cards."))
        .with_row(dashboard.Row("Work"))
        .with_panel(
            graph("Busy", "percentunit", [(f"DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{_HERE}}}", _NAME)], "Share of time that the engine works.")
        )
        .with_panel(
            graph(
                "Tensor cores", "percentunit", [(f"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE{{{_HERE}}}", _NAME)], "Share of cycles that they work."
            )
        )
        .with_panel(graph("Memory bandwidth", "percentunit", [(f"DCGM_FI_PROF_DRAM_ACTIVE{{{_HERE}}}", _NAME)], "Decoding is bound by it."))
        .with_panel(
            graph(
                "Memory in use",
                "percentunit",
                [(f"DCGM_FI_DEV_FB_USED{{{_HERE}}} / (DCGM_FI_DEV_FB_USED{{{_HERE}}} + DCGM_FI_DEV_FB_FREE{{{_HERE}}})", _NAME)],
                "vLLM takes its share at the start and keeps it: full here says nothing of load.",
            )
        )
        .with_row(dashboard.Row("Health"))
        .with_panel(graph("Temperature", "celsius", [(f"DCGM_FI_DEV_GPU_TEMP{{{_HERE}}}", _NAME)], "Near the red line it slows down.", 88))
        .with_panel(
            graph("Clock", "hertz", [(f"1e6 * DCGM_FI_DEV_SM_CLOCK{{{_HERE}}}", _NAME)], "Low although busy: heat or power holds it down.")
        )
        .with_panel(graph("XID", "short", [(f"DCGM_FI_DEV_XID_ERRORS{{{_HERE}}} != 0", _NAME)], "The last code of each GPU."))
        .with_panel(
            graph(
                "Remapped rows",
                "short",
                [(f"DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS{{{_HERE}}}", _NAME)],
                "After uncorrectable memory errors.",
            )
        )
    )
