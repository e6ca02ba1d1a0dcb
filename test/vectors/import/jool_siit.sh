modprobe jool_siit
jool_siit instance add --netfilter --pool6 2001:db8:46::/96
jool_siit eamt add 192.0.2.1 2001:db8:12:34::1
jool_siit eamt add 2001:db8:3::/120 192.0.2.0/24 --force
jool_siit global update rfc6791v4-prefix 198.51.100.248/29
jool_siit global update amend-udp-checksum-zero false
jool_siit global update eam-hairpin-mode simple
