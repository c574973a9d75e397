"""Questions by the thousand, each beside SQL by hand: filters, orders, masks, relations, groups and pages."""
