package dunning

// What the tests look at from outside.
var PaperInput = (*Service).paperInput
