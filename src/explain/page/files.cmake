# The scripts of the page, in their order.
set(PAGE_SCRIPTS base colour data state format export draw source strip table canvas matrix lens chart trust heads beam ask whatif film corpus main)
