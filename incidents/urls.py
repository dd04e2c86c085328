"""The routes of an incident. Every view of an incident is stamped by the gate."""

from django.urls import path, register_converter

from incidents import converters
from incidents.views import (
    command,
    documents,
    entries,
    exports,
    files,
    history,
    invitations,
    live,
    notices,
    past,
    people,
    register,
    webhook,
    undo,
)

register_converter(converters.CodenameConverter, "codename")
register_converter(converters.SectionConverter, "section")

urlpatterns = [
    path("", documents.index, name="incidents"),
    path("start/", documents.start, name="start"),
    path("access/", invitations.ask, name="ask"),
    path("invitations/<uuid:invitation_id>/", invitations.invitation, name="invitation"),
    path("invitations/link/<str:token>/", invitations.link, name="invitation-link"),
    path("notices/", notices.notices, name="notices"),
    path("notices/count/", notices.count, name="notice-count"),
    path("notices/choices/", notices.choices, name="notice-choices"),
    path("notices/<uuid:notice_id>/", notices.notice, name="notice"),
    path("<codename:codename>/", documents.document, name="document"),
    path("<codename:codename>/summary/", documents.summary, name="summary"),
    path("<codename:codename>/acknowledge/", documents.acknowledge, name="acknowledge"),
    path("<codename:codename>/settings/", documents.settings, name="settings"),
    path("<codename:codename>/status/", documents.status, name="status"),
    path("<codename:codename>/checks/", documents.checks, name="checks"),
    path("<codename:codename>/people/", people.roster, name="people"),
    path("<codename:codename>/people/hand-over/", command.hand_over, name="hand-over"),
    path("<codename:codename>/people/offer/", command.answer_offer, name="answer-offer"),
    path("<codename:codename>/people/blocks/", invitations.block, name="block"),
    path("<codename:codename>/people/blocks/<uuid:block_id>/lift/", invitations.lift, name="lift"),
    path("<codename:codename>/people/requests/<uuid:request_id>/", invitations.answer, name="answer"),
    path(
        "<codename:codename>/people/invitations/<uuid:invitation_id>/again/", invitations.again, name="again"
    ),
    path(
        "<codename:codename>/people/invitations/<uuid:invitation_id>/withdraw/",
        invitations.withdraw,
        name="withdraw",
    ),
    path("<codename:codename>/people/<uuid:user_id>/", people.participant, name="participant"),
    path("<codename:codename>/people/<uuid:user_id>/privileged/", people.privileged, name="privileged"),
    path("<codename:codename>/people/<uuid:user_id>/remove/", people.remove, name="let-out"),
    path("<codename:codename>/break-glass/", command.break_glass, name="break-glass"),
    path("<codename:codename>/break-glass/<uuid:opening_id>/approve/", command.approve, name="approve"),
    path("<codename:codename>/break-glass/<uuid:opening_id>/end/", command.end, name="end-break-glass"),
    path("<codename:codename>/hold/", command.hold, name="hold"),
    path("<codename:codename>/webhook/", webhook.webhook, name="webhook"),
    path("<codename:codename>/register/", register.register, name="register"),
    path("<codename:codename>/history/", history.changes, name="history"),
    path("<codename:codename>/history/<int:revision>/", history.change, name="change"),
    path("<codename:codename>/history/at/", past.known, name="known"),
    path("<codename:codename>/history/<int:revision>/document/", past.document, name="past"),
    path("<codename:codename>/history/<int:revision>/report.pdf", exports.report, name="past-report"),
    path("<codename:codename>/live/", live.stream, name="live"),
    path("<codename:codename>/report.pdf", exports.report, name="report"),
    path("<codename:codename>/files/<uuid:entry_id>/", files.download, name="file"),
    path("<codename:codename>/files/<uuid:entry_id>/preview/", files.preview, name="preview"),
    path("<codename:codename>/undo/", undo.undo, name="undo"),
    path("<codename:codename>/capture/", entries.capture, name="capture"),
    path("<codename:codename>/<section:section>/", entries.section, name="section"),
    path("<codename:codename>/<section:section>/new/", entries.new, name="new"),
    path("<codename:codename>/<section:section>/<uuid:entry_id>/", entries.entry, name="entry"),
    path("<codename:codename>/<section:section>/<uuid:entry_id>/edit/", entries.edit, name="edit"),
    path("<codename:codename>/<section:section>/<uuid:entry_id>/hide/", entries.hide, name="hide"),
    path("<codename:codename>/<section:section>/<uuid:entry_id>/restore/", entries.restore, name="restore"),
    path(
        "<codename:codename>/<section:section>/<uuid:entry_id>/revert/<int:version>/",
        entries.revert,
        name="revert",
    ),
    path("<codename:codename>/<section:section>/<uuid:entry_id>/do/<slug:verb>/", entries.act, name="act"),
]
