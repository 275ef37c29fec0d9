# Executes docs/metrics.md as test_contract.sh does docs/contract.md.
exec bash "${HEED_SOURCE:?}/tests/cli/test_contract.sh" "$HEED_SOURCE/docs/metrics.md"
