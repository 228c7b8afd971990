package picker

// What the external tests need of the internals.

var ParseContentRange = parseContentRange
