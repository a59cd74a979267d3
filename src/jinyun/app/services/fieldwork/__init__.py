"""Work in the field without a network: edits that arrive once, uploads that go on where they were, a day's tasks."""

from jinyun.app.services.fieldwork.day import day_of
from jinyun.app.services.fieldwork.edits import Edit, FieldEdits
from jinyun.app.services.fieldwork.uploads import FieldUploads, NewUpload, Part

__all__ = ["Edit", "FieldEdits", "FieldUploads", "Fieldwork", "NewUpload", "Part", "day_of"]


class Fieldwork:
    """One house's field desk."""

    def __init__(self, house: object) -> None:
        self.uploads = FieldUploads(house)
        self.edits = FieldEdits(house, self.uploads)
