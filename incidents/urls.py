"""The routes of an incident. Every view but the first two is stamped by the gate."""

from django.urls import path, register_converter

from incidents import converters
from incidents.views import documents, entries, exports, files, history, live, people

register_converter(converters.CodenameConverter, "codename")
register_converter(converters.SectionConverter, "section")

urlpatterns = [
    path("", documents.index, name="incidents"),
    path("start/", documents.start, name="start"),
    path("<codename:codename>/", documents.document, name="document"),
    path("<codename:codename>/summary/", documents.summary, name="summary"),
    path("<codename:codename>/acknowledge/", documents.acknowledge, name="acknowledge"),
    path("<codename:codename>/settings/", documents.settings, name="settings"),
    path("<codename:codename>/status/", documents.status, name="status"),
    path("<codename:codename>/checks/", documents.checks, name="checks"),
    path("<codename:codename>/people/", people.roster, name="people"),
    path("<codename:codename>/people/hand-over/", people.hand_over, name="hand-over"),
    path("<codename:codename>/people/<uuid:user_id>/", people.participant, name="participant"),
    path("<codename:codename>/people/<uuid:user_id>/remove/", people.remove, name="let-out"),
    path("<codename:codename>/history/", history.changes, name="history"),
    path("<codename:codename>/history/<int:revision>/", history.change, name="change"),
    path("<codename:codename>/live/", live.stream, name="live"),
    path("<codename:codename>/report.pdf", exports.report, name="report"),
    path("<codename:codename>/files/<uuid:entry_id>/", files.download, name="file"),
    path("<codename:codename>/files/<uuid:entry_id>/preview/", files.preview, name="preview"),
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
