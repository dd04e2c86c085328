"""Section 7: who does what by when."""

from datetime import datetime

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone

from incidents import moments
from incidents.door import Impossible
from incidents.ledger import Action
from incidents.sections.base import LINE, LONG, Entry, Section, moment_field, precision_field
from incidents.sections.forms import EntryForm
from incidents.vocabulary import Precision, Priority, Role, StepState


class NextStep(Entry):
    """One step: assigned to a participant, to a team by name, or to nobody yet."""

    section = "next_steps"
    own = ("text", "assignee", "assignee_role", "due", "due_precision", "priority", "state", "outcome")

    text = models.TextField("what is to be done", max_length=LONG)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    assignee_role = models.CharField("team", max_length=LINE, blank=True)
    due = moment_field()
    due_precision = precision_field()
    priority = models.CharField(max_length=8, choices=Priority.choices, default=Priority.NORMAL)
    state = models.CharField(max_length=8, choices=StepState.choices, default=StepState.OPEN)
    outcome = models.TextField("what came of it", max_length=LONG, blank=True)

    def verify(self, before: dict) -> None:
        """Only a participant who reads the document is given a step; whoever has it keeps it."""
        given = str(self.assignee_id) if self.assignee_id else None
        if given not in (None, before.get("assignee")) and not assignable(self.incident).filter(pk=given):
            raise Impossible("This person does not read this incident, and cannot be given the step.")

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state in {StepState.OPEN, StepState.DOING}

    @property
    def deadline(self) -> datetime | None:
        """When it is late (UTC): a step that is due on a day has all of it."""
        moment = self.moment("due")
        if moment is None:
            return None
        return moment.end if moment.precision == Precision.DAY else moment.at


class NextStepForm(EntryForm):
    seldom = ("priority", "assignee_role")

    class Meta:
        model = NextStep
        fields = [
            "text",
            "assignee",
            "assignee_role",
            "priority",
            "state",
            "outcome",
            "checked",
            "constructed",
            "privileged",
        ]

    def __init__(self, *args, incident, **kwargs):
        super().__init__(*args, incident=incident, **kwargs)
        choice = self.fields["assignee"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = assignable(incident) | get_user_model().objects.filter(
            pk=self.instance.assignee_id  # whoever has it keeps it, also after leaving the incident
        )
        choice.empty_label = "Nobody yet"


def assignable(incident) -> models.QuerySet:
    """The participants who can be given a step: everybody who reads the document."""
    inside = incident.participants.exclude(role=Role.EXECUTIVE).values("user_id")
    return get_user_model().objects.filter(pk__in=inside, is_active=True)


def take(entry: NextStep, by) -> dict:
    """“I'll take it”: raises Impossible when somebody else has it."""
    if entry.assignee_id not in (None, by.pk):
        raise Impossible(whose(entry))
    return {"assignee": by}


def give_back(entry: NextStep, by) -> dict:
    """Leave it to others: raises Impossible for anybody but who has it."""
    if entry.assignee_id not in (None, by.pk):
        raise Impossible(whose(entry))
    return {"assignee": None}


def whose(entry: NextStep) -> str:
    """Who has a step, how they came by it, and when, for whoever wanted it too."""
    rows = entry.incident.changes.filter(entry_id=entry.pk, action__in=[Action.ADD, Action.CHANGE])
    given = None
    for row in rows.select_related("actor").order_by("-revision").iterator():
        if row.values["assignee"] != str(entry.assignee_id):
            break
        given = row
    if given is None:
        return f"{entry.assignee} has it."
    ago = moments.ago(timezone.now() - given.at)
    if given.actor_id == entry.assignee_id:
        return f"{entry.assignee} took it {ago} ago."
    return f"{given.actor} gave it to {entry.assignee} {ago} ago."


def finish(entry: NextStep, by) -> dict:
    """Tick it; ticking twice is once."""
    return {"state": StepState.DONE}


def reopen(entry: NextStep, by) -> dict:
    """Untick it."""
    return {"state": StepState.OPEN}


class NextStepsSection(Section):
    name = "next_steps"
    title = "Next steps"
    guidance = "Who does what by when. No owner? Take it."
    kind = "todo"
    in_rail = True
    prefix = "N"
    counted = ("step", "steps")
    groups = (("open", ""), ("done", "Done or dropped"))
    model = NextStep
    form = NextStepForm
    facts = {
        "text": "text",
        "assignee": "assignee",
        "assignee_role": "assignee_role",
        "due": "due",
        "priority": "priority",
        "state": "state",
        "outcome": "outcome",
    }
    capture_label = "Next step"
    person_as_text = {"assignee": "assignee_role"}
    verbs = {"take": take, "give-back": give_back, "done": finish, "reopen": reopen}

    def group_of(self, entry: NextStep) -> str:
        return "open" if entry.is_open else "done"

    def marks(self, entry: NextStep) -> dict[str, str]:
        return {"state": entry.state, "assignee": str(entry.assignee_id or "")}

    def sort_key(self, entry: NextStep) -> str:
        due = f"{entry.due:%Y-%m-%dT%H:%M:%S}" if entry.due else "9999"
        return f"{due} {entry.number:06}"

    def capture(self, text: str, now: datetime) -> dict:
        return {"text": text}

    def to_case(self, row: dict) -> dict:
        """A case file says done or not; other states and priorities only where they differ from the usual."""
        state = row.pop("state")
        row["done"] = state == StepState.DONE
        if state not in (StepState.DONE, StepState.OPEN):
            row["state"] = state
        if row["priority"] == Priority.NORMAL:
            del row["priority"]
        return row

    def from_case(self, row: dict) -> dict:
        done = row.pop("done", None)
        if done is not None:
            if not isinstance(done, bool):
                raise ValueError("done", "is not true or false")
            row.setdefault("state", str(StepState.DONE if done else StepState.OPEN))
        return row
