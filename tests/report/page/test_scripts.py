"""Modules become one script only where that is exact."""

import pytest

from geomsim.errors import GeomsimError
from geomsim.report.page.scripts import joined


def test_each_module_stands_once_and_after_those_it_imports():
    modules = {
        "main.js": 'import {left} from "./left.js";\nimport {\n  right,\n} from "./right.js";\nleft(); right();\n',
        "left.js": 'import {base} from "./base.js";\nexport function left() { base(); }\n',
        "right.js": 'import {base} from "./base.js";\nexport const right = () => base();\n',
        "base.js": "export async function base() {}\n",
        "unused.js": "export function unused() {}\n",
    }
    text = joined(modules, "main.js")
    assert text.splitlines() == [
        "async function base() {}",
        "function left() { base(); }",
        "const right = () => base();",
        "left(); right();",
    ]


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"main.js": 'import {a} from "./a.js";\n'}, "main.js imports a.js, which is not there"),
        (
            {"main.js": 'import {a} from "./a.js";\n', "a.js": "function a() {}\n"},
            "main.js imports a from a.js, which exports no such thing",
        ),
        (
            {"main.js": 'import {a} from "./a.js";\nfunction b() {}\n', "a.js": "export const a = 1;\nconst b = 2;\n"},
            "main.js and a.js both declare b",
        ),
        (
            {"main.js": 'import {a} from "./a.js";\n', "a.js": 'import {m} from "./main.js";\nexport const a = 1;\n'},
            "circle: main.js > a.js > main.js",
        ),
        ({"main.js": 'import * as a from "./a.js";\n', "a.js": ""}, "only import"),
        ({"main.js": "export default 3;\n"}, "only import"),
        ({}, "there is no main.js"),
    ],
)
def test_what_would_not_be_exact_is_refused(modules, message):
    with pytest.raises(GeomsimError, match=message):
        joined(modules, "main.js")
