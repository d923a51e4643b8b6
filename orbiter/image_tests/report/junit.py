"""Results of tests as JUnit XML, which CI services show.

Format: https://github.com/testmoapp/junitxml, as there is no official one.
"""

import re
from xml.etree import ElementTree as ET

from orbiter.image_tests.report.text import CONTROL
from orbiter.image_tests.results import ImageResults, ImageTestReport, Result

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow: https://www.w3.org/TR/xml/#charsets."""


def render(report: ImageTestReport) -> str:
    """Return the report as an XML document with a suite for each image."""
    root = ET.Element("testsuites", {"name": f"orbiter test {report.release}"})
    results = [result for image in report.images for result in image.results]
    root.attrib |= _counts(results)
    for image in report.images:
        root.append(_suite(image))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(image: ImageResults) -> ET.Element:
    name = f"{image.image} {image.platform}"
    suite = ET.Element("testsuite", {"name": name, **_counts(image.results)})
    for result in image.results:
        suite.append(_case(image, result))
    return suite


def _case(image: ImageResults, result: Result) -> ET.Element:
    case = ET.Element(
        "testcase",
        {
            "classname": image.image,
            "name": _allowed(result.name),
            "time": f"{result.seconds:.3f}",
        },
    )
    if result.verdict != "passed":
        message = f"{result.reason} ({result.hint})" if result.hint else result.reason
        attributes = {"message": _allowed(message), "type": result.verdict}
        failure = ET.SubElement(case, "failure", attributes)
        failure.text = _allowed(CONTROL.sub("", result.output))
    return case


def _counts(results: "list[Result] | tuple[Result, ...]") -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(result.verdict != "passed" for result in results)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _allowed(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)
