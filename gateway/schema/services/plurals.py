"""English plurals of message names, as method names spell them."""

_IRREGULAR = {
    "Person": "People",
    "Man": "Men",
    "Woman": "Women",
    "Child": "Children",
    "Foot": "Feet",
    "Mouse": "Mice",
}


def plurals(name: str) -> tuple[str, ...]:
    """Return how a message's name may read in the plural: `Flight` → `Flights`, `Category` → `Categories`."""
    candidates = [f"{name}s", f"{name}es", name]
    if name.endswith("y"):
        candidates.insert(0, f"{name[:-1]}ies")
    if name.endswith("f"):
        candidates.append(f"{name[:-1]}ves")
    if name.endswith("is"):
        candidates.append(f"{name[:-2]}es")
    if name.endswith(("ex", "ix")):
        candidates.append(f"{name[:-2]}ices")
    irregular = (name.removesuffix(one) + many for one, many in _IRREGULAR.items() if name.endswith(one))
    return (*irregular, *candidates)
