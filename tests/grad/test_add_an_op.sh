#!/bin/bash
# docs/add-an-op.md is true: the example op is built exactly as the page tells and stands its gradient test.
exec bash "${HEED_SOURCE:?}/tests/grad/add_page.sh" add-an-op.md
