# The scripts of the page, in their order.
set(PAGE_SCRIPTS base data main)
