// Package mqtt connects a box to an MQTT 5 broker: it publishes the box's status and its
// events, and carries out commands. One broker serves one frame in a home, or the fleet
// of an integrator. asyncapi.json describes the topics.
//
// A broker is trusted with little. Whoever may publish under a box's command topic can
// turn photos and begin a pick. What changes settings or people must be signed with the
// operator's key, which the broker does not have. In guest mode nothing about a guest
// leaves the box.
package mqtt
