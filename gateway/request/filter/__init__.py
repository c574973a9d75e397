"""The filter language of AIP-160: text → tokens → tree → a plan checked against the resource."""
