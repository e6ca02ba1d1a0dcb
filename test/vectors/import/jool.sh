#!/bin/sh
# NAT64 with Jool on a router that has one IPv4 address.
modprobe jool
sysctl -w net.ipv4.conf.all.forwarding=1
sysctl -w net.ipv6.conf.all.forwarding=1
jool instance add "default" --netfilter --pool6 64:ff9b::/96
jool pool4 add --tcp  192.168.0.10 61001-65535
jool pool4 add --udp  192.168.0.10 61001-65535
jool pool4 add --icmp 192.168.0.10 61001-65535
jool bib add --tcp 192.168.0.10#8080 2001:db8:1::5#80
sudo jool bib add 2001:db8:1::6#22 192.168.0.10#2222 --tcp
jool global update udp-timeout 10:00
jool global update tcp-est-timeout 2:00:00
jool global update address-dependent-filtering true; jool global update logging-bib on
jool global update \
     mtu-plateaus "6000, 5000, 1400, 1500"
jool global update f-args 10
jool global update drop-icmpv6-info off
jool pool4 add --tcp $OTHER 5000-6000
jool stats display
