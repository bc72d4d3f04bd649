// Package attribute reads RADIUS attributes as an administrator writes them,
// "Tunnel-Type:1=VLAN" or "Cisco-AVPair=shell:priv-lvl=15", and makes of them
// what goes onto the wire. It knows the attributes that an Access-Accept may
// carry (RFC 2865 §5.44 and those that followed), and no others: what this
// server makes itself, such as Message-Authenticator or State, has no name
// here.
package attribute
