"""Cases: what is done to them beyond one step of one record, their tasks, evaluation and hand-over."""

from jinyun.app.services.cases.complaints import Complaints
from jinyun.app.services.cases.desk import CaseWork
from jinyun.app.services.cases.evaluation import Evaluation
from jinyun.app.services.cases.handover import HandOver
from jinyun.app.services.cases.works import Works

__all__ = ["CaseWork", "Complaints", "Evaluation", "HandOver", "Works"]
