"""MLflow as dagster-mlflow sets it up: one MLflow run per Dagster run, started when a step first needs it.

dagster-mlflow connects while resources are made, before any step, and importing it imports MLflow. Here both wait, so
that a code location loads without MLflow, and a server that is down is the failure of one step that says so.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg

from image_assets.models.classifiers.mlflow_registry import EXPERIMENT, Tracking, answering, prepare_experiment

MLFLOW = "mlflow"


class TrackedRun:
    """The MLflow run that belongs to a Dagster run."""

    def __init__(self, context: dg.InitResourceContext, tracking: Tracking) -> None:
        self._context = context
        self._stack = ExitStack()
        self.tracking = tracking
        self.is_started = False

    def start(self) -> None:
        """Make it the active run of this thread; `ModelError` when MLflow does not answer."""
        if self.is_started:
            return
        prepare_experiment(self.tracking)
        with answering(self.tracking), warnings.catch_warnings():
            # It is in beta since 2021.
            warnings.simplefilter("ignore", dg.BetaWarning)
            from dagster_mlflow import mlflow_tracking

            connect = contextmanager(mlflow_tracking.resource_fn)
            self._mlflow = self._stack.enter_context(connect(self._context))
        self.is_started = True

    def end_run(self, status: str = "FINISHED") -> None:
        """End the run, if there is one; what dagster-mlflow's hook calls."""
        if self.is_started:
            self._mlflow.end_run(status=status)

    def close(self) -> None:
        """Leave no run active, not even after a step outside of the training job, which has no hook."""
        self.end_run()
        self._stack.close()


def mlflow_resource(tracking: Tracking) -> dg.ResourceDefinition:
    """A `TrackedRun`, with dagster-mlflow's `mlflow_tracking` behind it."""
    config = {"experiment_name": EXPERIMENT, "mlflow_tracking_uri": tracking.uri, "env": {}, "extra_tags": {}}

    @dg.resource(description="MLflow's run of this Dagster run, started on first use.")
    def mlflow(context: dg.InitResourceContext) -> Iterator[TrackedRun]:
        run = TrackedRun(context.replace_config(config), tracking)
        try:
            yield run
        finally:
            run.close()

    return mlflow


def end_run_hook() -> dg.HookDefinition:
    """dagster-mlflow's `end_mlflow_on_run_finished`: the MLflow run ends, and fails, with the Dagster run."""

    def end(context: dg.HookContext, events: Sequence[dg.DagsterEvent]) -> Any:
        if not context.resources.mlflow.is_started:
            return dg.HookExecutionResult("end_mlflow_on_run_finished", is_skipped=True)
        from dagster_mlflow import end_mlflow_on_run_finished

        run: Callable[..., Any] = end_mlflow_on_run_finished.hook_fn
        return run(context, events)

    return dg.HookDefinition(name="end_mlflow_on_run_finished", hook_fn=end, required_resource_keys={MLFLOW})
