"""The registry: the twelve sections in the order of the template.

A thirteenth is one module, one template and one line here (docs/sections.md walks through it).
"""

from incidents.sections.appendix import AppendixSection
from incidents.sections.background import BackgroundSection
from incidents.sections.base import Section
from incidents.sections.classification import ClassificationSection
from incidents.sections.comms import CommsSection
from incidents.sections.details import DetailsSection
from incidents.sections.indicators import IndicatorsSection
from incidents.sections.lessons import LessonsSection
from incidents.sections.next_steps import NextStepsSection
from incidents.sections.response import ResponseSection
from incidents.sections.summary import SummarySection
from incidents.sections.theories import TheoriesSection
from incidents.sections.timeline import TimelineSection

SECTIONS: dict[str, Section] = {
    section.name: section
    for section in [
        ClassificationSection(),
        SummarySection(),
        TimelineSection(),
        IndicatorsSection(),
        DetailsSection(),
        ResponseSection(),
        NextStepsSection(),
        TheoriesSection(),
        LessonsSection(),
        BackgroundSection(),
        CommsSection(),
        AppendixSection(),
    ]
}
for number, section in enumerate(SECTIONS.values(), 1):
    section.number = number
