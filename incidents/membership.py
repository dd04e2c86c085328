"""Who is in an incident: invite, let in, change, remove, block, acknowledge. Floor 3: writes through the door."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from incidents import access
from incidents.door import Door, Impossible, Refused
from incidents.invitations import AccessRequest, Attempt, Block, Invitation, blocked
from incidents.ledger import Action, Change
from incidents.letters import Letter, post
from incidents.people import Acknowledgement, Participant, write_grants
from incidents.vocabulary import EXTRAS_ARE_OPTIONAL, Capability, Role

PAUSE = timedelta(minutes=5)  # between two mails of one invitation
AT_MOST = 100  # invitations that one person sends in an hour, over all incidents


@dataclass
class Saved:
    """What came of a write: the row (None when nothing changed) and whether a colleague's words were merged in."""

    change: Change | None
    merged: bool = field(default=False)


@dataclass(frozen=True)
class Terms:
    """On which terms somebody is in: the role, what is added to it, and until when (UTC; None: no end)."""

    role: str
    may_export: bool = False
    reads_privileged: bool = False
    expires_at: datetime | None = None

    def allowed(self) -> "Terms":
        """The terms without what the role does not take; Impossible for a commander or an end that is over."""
        if self.role == Role.COMMANDER:
            raise Impossible("There is one commander. Hand over command instead.")
        if self.expires_at is not None and self.expires_at <= timezone.now():
            raise Impossible("The time at which access ends is over already. Choose a later one.")
        extra = self.role in EXTRAS_ARE_OPTIONAL
        return Terms(self.role, self.may_export and extra, self.reads_privileged and extra, self.expires_at)

    def with_privileged(self, reads: bool) -> "Terms":
        """The same terms, with or without the sight of privileged entries."""
        return replace(self, reads_privileged=reads)

    def values(self) -> dict:
        """How the ledger says them."""
        end = self.expires_at.isoformat() if self.expires_at else ""
        return {
            "role": str(self.role),
            "may_export": self.may_export,
            "reads_privileged": self.reads_privileged,
            "expires_at": end,
        }


def terms_of(row: Participant | Invitation) -> Terms:
    """The terms that a participant or an invitation has."""
    end = row.expires_at if isinstance(row, Participant) else row.grant_expires_at
    return Terms(row.role, row.may_export, row.reads_privileged, end)


class Membership(Door):
    """The people's part of the incident."""

    class Meta:
        abstract = True

    # --- inviting ----------------------------------------------------------------------------------

    def invite(self, email: str, terms: Terms, *, by, note: str = "") -> Invitation:
        """Invite one address. The answer is the same whether it has an account or not (SECURITY 40).

        Raises Impossible where the address is in, invited, or on the block list; the last is noted.
        """
        email = email.lower()
        terms = terms.allowed()
        with self._door(by, Capability.PEOPLE):
            self._may_decide(terms, by)
            if block := blocked(self, email):
                Attempt.objects.create(block=block, by=by)
                if by.pk != self.commander_id:
                    post(self, Letter.Kind.ATTEMPT, self.commander.email)
            else:
                return self._invited(email, terms, by, note)
        raise Impossible(f"{email} is on the block list of this incident. The attempt was noted.")

    def _invited(self, email: str, terms: Terms, by, note: str) -> Invitation:
        if inside := self.participants.filter(user__email=email).select_related("user").first():
            raise Impossible(f"{inside.user} is in this incident already. Change the role in the list below.")
        if self.invitations.open().filter(email=email).exists():
            raise Impossible(f"{email} is invited already. Send it again from the list below.")
        lately = Invitation.objects.filter(invited_by=by, invited_at__gt=timezone.now() - timedelta(hours=1))
        if lately.count() >= AT_MOST:
            raise Impossible(f"You invited {AT_MOST} people in an hour. Wait a while before the next.")
        self._withdraw(self._pending().filter(email=email), by)
        invitation = Invitation(
            incident=self,
            email=email,
            role=terms.role,
            may_export=terms.may_export,
            reads_privileged=terms.reads_privileged,
            grant_expires_at=terms.expires_at,
            note=note,
            invited_by=by,
        )
        invitation.renew()
        invitation.save()
        self._answer_request_of(email)
        self._record(Action.INVITE, by, values={"email": email, **terms.values()})
        post(self, Letter.Kind.INVITATION, email, invitation=invitation)
        return invitation

    def invite_again(self, invitation: Invitation, *, by) -> None:
        """Send another link; the earlier one is dead. The inviter is now `by`."""
        with self._door(by, Capability.PEOPLE):
            invitation.refresh_from_db()
            if invitation.accepted_at or invitation.withdrawn_at:
                raise Impossible("This invitation was accepted or withdrawn meanwhile.")
            if invitation.grant_is_over:
                raise Impossible("The access that it gives has ended already. Withdraw it and invite again.")
            if timezone.now() - invitation.sent_at < PAUSE:
                raise Impossible("It was sent a moment ago. Wait five minutes before the next mail.")
            invitation.invited_by = by
            invitation.renew()
            invitation.save()
            self._record(
                Action.INVITE, by, values={"email": invitation.email, **terms_of(invitation).values()}
            )
            post(self, Letter.Kind.INVITATION, invitation.email, invitation=invitation)

    def withdraw(self, invitation: Invitation, *, by) -> None:
        """Take an invitation back; its link is dead at once."""
        with self._door(by, Capability.PEOPLE):
            invitation.refresh_from_db()
            if invitation.accepted_at:
                raise Impossible("This invitation was accepted meanwhile. Remove the person instead.")
            self._withdraw(self._pending().filter(pk=invitation.pk), by)

    def dismiss(self, wish: AccessRequest, *, by) -> None:
        """Leave somebody out who asked to be let in; they are not told."""
        with self._door(by, Capability.PEOPLE):
            AccessRequest.objects.filter(pk=wish.pk, answered_at=None).update(answered_at=timezone.now())

    def stands(self, invitation: Invitation) -> bool:
        """Whether an invitation can be accepted: not if its inviter may no longer invite (SECURITY 22)."""
        return access.standing_invitations(Invitation.objects.filter(pk=invitation.pk)).exists()

    def accept_invitation(self, invitation: Invitation, *, by, read: int) -> Saved:
        """Come in on an invitation and accept the classification, of which revision `read` was shown.

        Used up before anything is answered. Raises Refused where it does not stand or is for another address.
        """
        with self._locked():
            invitation.refresh_from_db()
            by.refresh_from_db()
            if not by.is_active or invitation.email != by.email or not self.stands(invitation):
                raise Refused
            if self.participants.filter(user=by).exists():
                raise Refused
            self._must_be_current(read)
            invitation.accepted_by, invitation.accepted_at = by, timezone.now()
            invitation.save(update_fields=["accepted_by", "accepted_at"])
            terms = terms_of(invitation).allowed()
            self._admit(by, terms, invitation.invited_by, joining=True)
            values = self._person(by, terms)
            self._record(Action.JOIN, by, values={**values, "invited_by": invitation.invited_by.display_name})
            return Saved(self._accepted(by))

    # --- who is in ---------------------------------------------------------------------------------

    def let_in(self, user, role: str, *, by, **more) -> Saved:
        """Let one individual in at once, with a role other than commander; `more` are further Terms."""
        terms = Terms(role, **more).allowed()
        with self._door(by, Capability.PEOPLE):
            self._may_decide(terms, by)
            if self.participants.filter(user=user).exists():
                raise Impossible(f"{user} is in this incident already. Change the role in the list below.")
            if blocked(self, user.email):
                raise Impossible(f"{user} is on the block list of this incident.")
            self._admit(user, terms, by)
            return Saved(self._record(Action.LET_IN, by, values=self._person(user, terms)))

    def set_role(self, user, role: str, *, by, **more) -> Saved:
        """Change on which terms one individual is in. The commander's role changes only by handing over."""
        terms = Terms(role, **more).allowed()
        with self._door(by, Capability.PEOPLE):
            self._refuse_commander(user)
            self._refuse_oneself(user, by)
            participant = self._participant(user)
            if terms.reads_privileged != participant.reads_privileged:
                self._may_decide(terms, by)
            return self._put(participant, terms, Action.SET_ROLE, by)

    def set_privileged(self, user, reads: bool, *, by) -> Saved:
        """Decide whether one individual reads entries prepared at the request of counsel."""
        with self._door(by, Capability.OVERSEE):
            self._refuse_oneself(user, by)
            participant = self._participant(user)
            if participant.role not in EXTRAS_ARE_OPTIONAL:
                raise Impossible(
                    f"{user} is here as {participant.get_role_display().lower()}: that decides it."
                )
            return self._put(
                participant, terms_of(participant).with_privileged(reads), Action.SET_PRIVILEGED, by
            )

    def let_out(self, user, *, by, reason: str = "") -> Saved:
        """Take away every grant of one individual at once. The commander cannot be removed."""
        with self._door(by, Capability.PEOPLE):
            self._refuse_commander(user)
            return Saved(self._remove(self._participant(user), Action.LET_OUT, by, reason))

    def let_out_expired(self) -> int:
        """Remove everybody whose time is over (their grants ended with it); how many."""
        with self._locked():
            acting = self.openings.filter(ended_at=None, expires_at__gt=timezone.now()).values("asked_by")
            over = self.participants.filter(expires_at__lte=timezone.now()).exclude(user__in=acting)
            over = over.exclude(user=self.commander_id).select_related("user", "let_in_by", "end_set_by")
            for participant in (gone := list(over)):
                actor = participant.end_set_by or participant.let_in_by
                self._remove(participant, Action.EXPIRE, actor, "")
            return len(gone)

    def note_closed_account(self, user) -> None:
        """An account was closed: what depended on it ends for good, and the document says so."""
        with self._locked():
            self._end_break_glass(user, user)
            self._settle(user, user)
            if self.participants.filter(user=user).exists():
                self._record(Action.CLOSED, user)

    def acknowledge(self, *, by, read: int | None = None) -> Saved:
        """Note that this person accepts the classification; `read` is the revision of it that was shown to them."""
        with self._door(by, Capability.SUMMARY):
            if read is not None:
                self._must_be_current(read)
            if access.has_acknowledged(by, self):
                return Saved(None)
            return Saved(self._accepted(by))

    # --- who must stay out -------------------------------------------------------------------------

    def block(self, email: str, *, by, reason: str = "") -> None:
        """Keep an address out, at once: removed if inside, its invitation withdrawn. The commander alone sees it."""
        email = email.lower()
        with self._door(by, Capability.COMMAND):
            if blocked(self, email):
                raise Impossible(f"{email} is on the block list already.")
            inside = self.participants.filter(user__email=email).select_related("user").first()
            if inside:
                self._refuse_commander(inside.user)
                self._remove(inside, Action.LET_OUT, by, "")
            self._withdraw(self._pending().filter(email=email), by)
            Block.objects.create(incident=self, email=email, reason=reason, by=by)

    def lift(self, block: Block, *, by) -> None:
        """Take an address off the block list."""
        with self._door(by, Capability.COMMAND):
            Block.objects.filter(pk=block.pk, lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by)

    # --- inside the door ---------------------------------------------------------------------------

    def _may_decide(self, terms: Terms, by) -> None:
        if terms.reads_privileged and not access.can(by, self, Capability.OVERSEE):
            raise Refused

    def _must_be_current(self, read: int) -> None:
        if read != self.classification_revision:
            raise Impossible(
                "The classification changed while you were reading it. This is how it stands now."
            )

    def _admit(self, user, terms: Terms, by, *, joining: bool = False) -> None:
        if not joining:  # else the invitation is used up already
            self._withdraw(self._pending().filter(email=user.email), by)
        self._answer_request_of(user.email)
        Participant.objects.create(
            incident=self,
            user=user,
            role=terms.role,
            may_export=terms.may_export,
            reads_privileged=terms.reads_privileged,
            expires_at=terms.expires_at,
            end_set_by=by if terms.expires_at else None,
            let_in_by=by,
        )
        write_grants(self, user)

    def _put(self, participant: Participant, terms: Terms, action: Action, by) -> Saved:
        if terms_of(participant) == terms:
            return Saved(None)
        if participant.expires_at != terms.expires_at:
            participant.end_set_by = by if terms.expires_at else None
        if participant.role != terms.role:
            self._end_break_glass(participant.user, by)
        participant.role, participant.may_export = terms.role, terms.may_export
        participant.reads_privileged, participant.expires_at = terms.reads_privileged, terms.expires_at
        participant.save()
        self._settle(participant.user, by)
        return Saved(self._record(action, by, values=self._person(participant.user, terms)))

    def _remove(self, participant: Participant, action: Action, by, reason: str) -> Change:
        user = participant.user
        self._end_break_glass(user, by)
        participant.delete()
        self._withdraw(self._pending().filter(email=user.email), by)
        self._settle(user, by)
        values = {"user": str(user.pk), "name": user.display_name, "role": "", "was": str(participant.role)}
        return self._record(action, by, values=values, reason=reason)

    def _pending(self):
        return self.invitations.filter(accepted_at=None, withdrawn_at=None)

    def _withdraw(self, pending, by) -> None:
        for invitation in list(pending):
            invitation.withdrawn_at = timezone.now()
            invitation.save(update_fields=["withdrawn_at"])
            self._record(Action.WITHDRAW, by, values={"email": invitation.email})

    def _settle(self, user, by) -> None:
        """After the rights of somebody changed: their grants, and what hung on those they have lost."""
        write_grants(self, user)
        held = access.capabilities(user, self)
        lost = Q(pk=None)
        lost |= Q(by=user) if Capability.COMMAND not in held else Q()
        lost |= Q(to=user) if Capability.READ not in held else Q()
        self.offers.filter(lost, ended_at=None).update(ended_at=timezone.now())
        if Capability.PEOPLE not in held:
            self._withdraw(self._pending().filter(invited_by=user), by)

    def _end_break_glass(self, user, by) -> None:
        """End what somebody holds or asked for by break-glass; `_settle` follows."""
        for opening in list(self.openings.filter(asked_by=user, ended_at=None)):
            opening.ended_at = timezone.now()
            opening.save(update_fields=["ended_at"])
            values = {"user": str(user.pk), "name": user.display_name, "role": ""}
            self._record(Action.END_GLASS, by, values=values)

    def _answer_request_of(self, email: str) -> None:
        asked = AccessRequest.objects.filter(slug=self.slug, user__email=email, answered_at=None)
        asked.update(answered_at=timezone.now())

    def _accept(self, user) -> None:
        revision = max(self.revision, self.classification_revision)
        Acknowledgement.objects.get_or_create(incident=self, user=user, revision=revision)

    def _accepted(self, user) -> Change:
        self._accept(user)
        return self._record(Action.ACKNOWLEDGE, user)

    def _participant(self, user) -> Participant:
        participant = self.participants.filter(user=user).first()
        if participant is None:
            raise Impossible(f"{user} is not in this incident.")
        return participant

    def _refuse_oneself(self, user, by) -> None:
        if user.pk == by.pk:
            raise Impossible("Nobody changes their own role or rights.")

    def _refuse_commander(self, user) -> None:
        if user.pk == self.commander_id:
            raise Impossible("The commander cannot be changed or removed. Hand over command first.")

    def _person(self, user, terms: Terms) -> dict:
        return {"user": str(user.pk), "name": user.display_name, **terms.values()}
