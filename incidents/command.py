"""Who commands: offer, hand over, break-glass, and the legal hold. Floor 3: writes through the door."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from incidents import access
from incidents.door import Impossible, Refused
from incidents.hooks import Webhook
from incidents.invitations import blocked
from incidents.ledger import Action
from incidents.letters import Letter, post
from incidents.membership import Membership, Saved, Terms
from incidents.succession import BreakGlass, Offer, offered
from incidents.vocabulary import Capability, Role

LONGEST = 72  # hours of a break-glass


class Command(Membership):
    """The commander's part of the incident."""

    class Meta:
        abstract = True

    # --- handing over ------------------------------------------------------------------------------

    def offer_command(self, successor, *, by, reason: str) -> Offer:
        """Ask a participant to take command; until they accept, nothing changes. An earlier offer lapses."""
        with self._door(by, Capability.COMMAND):
            self._can_command(successor)
            self.offers.filter(ended_at=None).update(ended_at=timezone.now())
            offer = Offer.objects.create(incident=self, by=by, to=successor, reason=reason)
            self._record(Action.OFFER, by, values=self._named(successor), reason=reason)
            post(self, Letter.Kind.OFFER, successor.email)
            return offer

    def answer_offer(self, *, by, accept: bool) -> Saved:
        """The successor's answer. Raises Impossible where the offer was taken back or answered meanwhile."""
        with self._account_held(by), self._door(by, Capability.READ):
            offer = offered(self)
            if offer is None or offer.to_id != by.pk:
                raise Impossible("The offer does not stand any more. Command stays where it is.")
            if not accept:
                self._end_offers()
                return Saved(self._record(Action.DECLINE, by, values=self._named(offer.by)))
            if not access.can(offer.by, self, Capability.COMMAND):
                raise Impossible(f"{offer.by} can no longer hand over command.")
            return self._pass_on(by, by, offer.reason)

    def retract_offer(self, *, by) -> Saved:
        """Take the offer back; the commander stays."""
        with self._door(by, Capability.COMMAND):
            offer = offered(self)
            if offer is None:
                return Saved(None)
            self._end_offers()
            return Saved(self._record(Action.RETRACT, by, values=self._named(offer.to)))

    def hand_over(self, successor, *, by, reason: str) -> Saved:
        """Give command to a participant at once; the old commander stays as a responder. One row, one commander.

        Whoever acts by break-glass may take command themselves.
        """
        with self._account_held(successor), self._door(by, Capability.COMMAND):
            self._can_command(successor)
            return self._pass_on(successor, by, reason)

    @contextmanager
    def _account_held(self, user) -> Iterator[None]:
        """The row of an account, before the incident's: it is not closed while command passes to it."""
        with transaction.atomic():
            user.refresh_from_db(
                from_queryset=get_user_model()._default_manager.select_for_update(no_key=True)
            )
            yield

    def _can_command(self, successor) -> None:
        if successor.pk == self.commander_id:
            raise Impossible(f"{successor} is in command already.")
        self._participant(successor)
        if not access.can(successor, self, Capability.SUMMARY):
            raise Impossible(f"{successor} can no longer come in: the account is closed, or the time is up.")
        if not access.has_acknowledged(successor, self):
            raise Impossible(f"{successor} has not accepted the classification yet, so cannot take command.")

    def _pass_on(self, successor, by, reason: str) -> Saved:
        former = self.commander
        self.participants.filter(user=former).update(
            role=Role.RESPONDER, may_export=False, reads_privileged=False, expires_at=None, end_set_by=None
        )
        self.participants.filter(user=successor).update(
            role=Role.COMMANDER, may_export=False, reads_privileged=False, expires_at=None, end_set_by=None
        )
        self.commander = successor
        self.save(update_fields=["commander"])
        self._end_offers()
        self._end_break_glass(successor, by)
        self._settle(former, by)
        self._settle(successor, by)
        post(self, Letter.Kind.HAND_OVER, former.email, successor.email)
        if by.pk == successor.pk:
            return Saved(self._record(Action.TAKE, by, values=self._named(former), reason=reason))
        values = self._named(successor, Role.COMMANDER)
        return Saved(self._record(Action.HAND_OVER, by, values=values, reason=reason))

    def _end_offers(self) -> None:
        self.offers.filter(ended_at=None).update(ended_at=timezone.now())

    # --- break-glass -------------------------------------------------------------------------------

    def ask_break_glass(self, *, by, reason: str, hours: int = 4) -> BreakGlass:
        """Ask to act as commander for some hours; a second person must approve it."""
        with self._door(by, Capability.VOUCH):
            return self._ask(by, reason, hours)

    def approve_break_glass(self, opening: BreakGlass, *, by) -> Saved:
        """Approve somebody else's request; commander and responders are told at once (SECURITY 21)."""
        with self._door(by, Capability.VOUCH):
            return self._open_glass(opening, by)

    def break_glass(self, user, *, approver, reason: str, hours: int = 4) -> Saved:
        """Both steps at once, by whoever runs the server, for two accounts that need not be in the incident.

        Somebody who is not in it is let in as a responder for as long. The ledger says that it came from there.
        """
        with self._locked():
            if not approver.is_active or not user.is_active:
                raise Impossible("Both people need accounts that may sign in.")
            if blocked(self, user.email) or blocked(self, approver.email):
                raise Impossible("One of the two may not take part in this incident.")
            asked = [row for row in self.openings.filter(asked_by=user, ended_at=None) if row.is_asked]
            opening = asked[0] if asked else self._ask(user, reason, hours)
            if not self.participants.filter(user=user).exists():
                terms = Terms(Role.RESPONDER, expires_at=timezone.now() + timedelta(hours=opening.hours))
                self._admit(user, terms, approver)
                self._record(Action.LET_IN, approver, values=self._person(user, terms), reason=reason)
            return self._open_glass(opening, approver, operator=True)

    def end_break_glass(self, opening: BreakGlass, *, by) -> None:
        """End it before its time: the person themselves, or whoever commands."""
        with self._door(by, Capability.VOUCH):
            if by.pk != opening.asked_by_id and not access.can(by, self, Capability.COMMAND):
                raise Refused
            if self.openings.filter(pk=opening.pk, ended_at=None).exists():
                self._end_break_glass(opening.asked_by, by)
                self._settle(opening.asked_by, by)

    def end_expired_break_glass(self) -> int:
        """Note the end of those whose time is over (their grants ended with it); how many."""
        with self._locked():
            over = list(self.openings.filter(expires_at__lte=timezone.now(), ended_at=None))
            for opening in over:
                self._end_break_glass(opening.asked_by, opening.asked_by)
                self._settle(opening.asked_by, opening.asked_by)
            return len(over)

    def _ask(self, by, reason: str, hours: int) -> BreakGlass:
        if by.pk == self.commander_id:
            raise Impossible(f"{by} is in command already.")
        if not 1 <= hours <= LONGEST:
            raise Impossible(f"Choose between 1 and {LONGEST} hours.")
        if not reason.strip():
            raise Impossible("Say why. The reason is kept in the history.")
        open_ones = self.openings.filter(asked_by=by, ended_at=None)
        if any(opening.is_asked or opening.is_open for opening in open_ones):
            raise Impossible("It was asked for already.")
        self._end_break_glass(by, by)
        opening = BreakGlass.objects.create(incident=self, asked_by=by, reason=reason, hours=hours)
        self._record(Action.ASK_GLASS, by, values={"hours": hours}, reason=reason)
        post(self, Letter.Kind.BREAK_GLASS_ASKED, *self._concerned())
        return opening

    def _open_glass(self, opening: BreakGlass, by, *, operator: bool = False) -> Saved:
        opening.refresh_from_db()
        if not opening.is_asked:
            raise Impossible("This request was answered or lapsed meanwhile.")
        if opening.asked_by_id == by.pk:
            raise Impossible("Nobody approves their own request. A second person must.")
        if not operator and self._was_let_in_for_it(by, opening.asked_by):
            raise Impossible(
                "The second person must be somebody whom the first did not let in by break-glass."
            )
        if not operator and not access.can(opening.asked_by, self, Capability.VOUCH):
            raise Impossible(f"{opening.asked_by} may not ask for it any more.")
        opening.approved_by, opening.approved_at = by, timezone.now()
        opening.expires_at = opening.approved_at + timedelta(hours=opening.hours)
        opening.save()
        self._settle(opening.asked_by, by)
        values = {**self._named(opening.asked_by), "until": opening.expires_at.isoformat()}
        values |= {"operator": True} if operator else {}
        row = self._record(Action.BREAK_GLASS, by, values=values, reason=opening.reason)
        post(self, Letter.Kind.BREAK_GLASS, *self._concerned())
        return Saved(row)

    def _was_let_in_for_it(self, approver, asker) -> bool:
        """Whether the approver owes being here to an earlier break-glass of the asker."""
        person = self.participants.filter(user=approver, let_in_by=asker).first()
        if person is None:
            return False
        acted = self.openings.annotate(end=Coalesce(F("ended_at"), F("expires_at")))
        return acted.filter(
            asked_by=asker, approved_at__lte=person.let_in_at, end__gte=person.let_in_at
        ).exists()

    def _concerned(self) -> list[str]:
        """The addresses of the commander, all responders and legal: who may act on it."""
        return [person.email for person in access.holders(self, Capability.VOUCH)]

    def _named(self, user, role: str = "") -> dict:
        return {"user": str(user.pk), "name": user.display_name, "role": str(role)}

    # --- legal hold --------------------------------------------------------------------------------

    def set_hold(self, hold: bool, *, by, reason: str) -> Saved:
        """Set or lift the legal hold: while it stands, nothing of the incident can be deleted (SECURITY 45)."""
        with self._door(by, Capability.HOLD):
            if hold == bool(self.hold_since):
                return Saved(None)
            self.hold_since = timezone.now() if hold else None
            self.save(update_fields=["hold_since"])
            return Saved(self._record(Action.HOLD if hold else Action.LIFT_HOLD, by, reason=reason))

    # --- webhook -----------------------------------------------------------------------------------

    def set_webhook(self, *, by, url: str, events: list[str]) -> Webhook:
        """Tell a chat at `url` of these events from now on; an empty one switches it off. A new address, a new secret.

        Raises Impossible where there is nothing to tell of.
        """
        with self._door(by, Capability.COMMAND):
            hook = Webhook.objects.filter(incident=self).first() or Webhook(incident=self)
            if url and not events:
                raise Impossible("Choose at least one thing that the chat is told.")
            events = sorted(set(events)) if url else []
            if (hook.url, hook.events) == (url, events):
                return hook
            if url and url != hook.url:
                hook.serial += 1
                hook.told_at, hook.fault = None, ""
            hook.url, hook.events, hook.changed_at = url, events, timezone.now()
            hook.save()
            hook.calls.filter(sent_at=None, dropped_at=None).update(dropped_at=timezone.now())
            values = {"webhook": "on", "host": hook.host, "events": events} if url else {"webhook": "off"}
            self._record(Action.SET, by, values=values)
            return hook
