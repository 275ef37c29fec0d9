#!/bin/bash
# docs/add-a-score.md is true: the example score is built exactly as the page tells and stands its gradient test.
exec bash "${HEED_SOURCE:?}/tests/grad/add_page.sh" add-a-score.md
