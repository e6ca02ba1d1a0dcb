interfaces {
    ethernet eth0 {
        address dhcp
        hw-id 52:54:00:aa:bb:01
    }
    ethernet eth1 {
        address 2001:db8:a::1/64
        address 10.1.0.1/24
        vif 20 {
            address 2001:db8:b::1/64
        }
    }
    loopback lo {
    }
}
nat {
    destination {
        rule 10 {
            destination {
                port 443
            }
            inbound-interface {
                name eth0
            }
            protocol tcp
            translation {
                address 10.1.0.5
            }
        }
    }
    source {
        rule 100 {
            outbound-interface {
                name eth0
            }
            source {
                address 10.1.0.0/24
            }
            translation {
                address masquerade
            }
        }
    }
}
nat64 {
    source {
        rule 100 {
            source {
                prefix 2001:db8:64::/96
            }
            translation {
                pool 10 {
                    address 198.51.100.0/28
                    port 1024-65535
                    protocol {
                        tcp {
                        }
                        udp {
                        }
                    }
                }
                pool 20 {
                    address 198.51.100.16
                    port 1-65535
                    protocol {
                        icmp {
                        }
                    }
                }
                pool 30 {
                    address 198.51.100.17
                    disable
                }
            }
        }
        rule 200 {
            disable
            source {
                prefix 64:ff9b::/96
            }
        }
    }
}
nat66 {
    destination {
        rule 20 {
            destination {
                address 2001:db8:ffff::/64
            }
            inbound-interface {
                name eth0
            }
            translation {
                address fd00:1::/64
            }
        }
    }
    source {
        rule 20 {
            outbound-interface {
                name eth0
            }
            source {
                prefix fd00:1::/64
            }
            translation {
                address 2001:db8:ffff::/64
            }
        }
        rule 30 {
            outbound-interface {
                name eth0
            }
            source {
                prefix fd00:2::/64
            }
            translation {
                address 2001:db8:ffff::1
            }
        }
    }
}
/* the campus,
   two networks */
service {
    dns {
        forwarding {
            allow-from 2001:db8:a::/64
            allow-from 2001:db8:b::/64
            cache-size 0
            dns64-prefix 2001:db8:64::/96
            listen-address 2001:db8:a::1
            listen-address ::
            system
        }
    }
    router-advert {
        interface eth1 {
            default-lifetime 1800
            default-preference high
            hop-limit 64
            interval {
                max 300
                min 100
            }
            link-mtu 1480
            name-server 2001:db8:a::1
            dnssl example.org
            nat64prefix 2001:db8:64::/96 {
                valid-lifetime 1800
            }
            other-config-flag
            prefix 2001:db8:a::/64 {
                preferred-lifetime 14400
                valid-lifetime infinity
            }
        }
        interface eth1.20 {
            prefix 2001:db8:b::/64 {
                no-autonomous-flag
            }
        }
        interface eth2 {
            no-send-advert
        }
    }
}
system {
    login {
        user vyos {
            authentication {
                encrypted-password $6$secret$hash
                plaintext-password ""
            }
        }
    }
}

// Warning: Do not remove the following line.
// vyos-config-version: "bgp@5:broadcast-relay@1:nat@8:nat66@3"
// Release version: 1.5-rolling-202406060020
