"""The runtime: the dispatcher, residency of experts, and one runner per engine."""

from mvmoe_deploy.runtime.dispatcher import Dispatcher
from mvmoe_deploy.runtime.prediction import Prediction
from mvmoe_deploy.runtime.timing import Timings

__all__ = ["Dispatcher", "Prediction", "Timings"]
