// Command zahlwerk is the whole program: the web application with its background
// workers, the demo, the Klarna sandbox, and what an operator needs around them. It is
// the only place that wires packages together.
package main
