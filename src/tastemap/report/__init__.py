"""The run report: runs in, one self-contained HTML file out; a data object and a template."""

from tastemap.report.build import build_report as build_report
from tastemap.report.page import Report as Report
from tastemap.report.people import Person as Person
from tastemap.report.people import choose_people as choose_people
from tastemap.report.people import person as person
from tastemap.report.render import render as render
from tastemap.report.render import save_report as save_report
