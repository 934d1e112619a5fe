# Prints fingerprint and keygrip of each primary key, from what gpg lists with colons and keygrips.
$1 == "pub" { primary = 1 }
$1 == "sub" { primary = 0 }
$1 == "fpr" && primary { fingerprint = $10 }
$1 == "grp" && primary { print fingerprint, $10; primary = 0 }
