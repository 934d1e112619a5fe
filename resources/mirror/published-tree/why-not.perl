# why_not(REPORT, SIZE, GOT, PATH), for a file that did not arrive completely: the reason, and its class. "passing" is
# retried as often as PATIENCE says, "stalled" and "spoiled" (perhaps by a proxy) once, "final" never. Undefined if curl
# reported no error. REPORT is a line of fetch_by_curl of curl.sh, without the file.
sub why_not {
  my ($report, $size, $got, $path) = @_;
  my ($code, $http, $connect, $message, $type) = @$report;
  my $had = defined $got ? " ($got of $size bytes are there)" : "";
  $code //= 0;
  $message //= "";
  $message =~ s{//[^/\s]*@}{//}g;
  $message =~ s{[?][^\s]*}{?...}g;
  my $proxy_said = ($http // "") eq "407" ? 407 : ($connect // "") =~ /^[45]\d\d$/ ? $connect : 0;
  if ($proxy_said == 407) {
    return ("the proxy does not accept upstream.proxy.credentials (407)", "final") if $ENV{PROXY_WHO};
    return ("a proxy requires credentials (407): declare upstream.proxy with credentials", "final");
  }
  if ($proxy_said) {
    return ("the proxy refuses to connect to upstream (it answered $proxy_said)", $proxy_said >= 500 ? "passing" : "final");
  }
  if (($http // "") =~ /^[45]/) {
    my $said = "the server answered $http";
    return ("$said: it does not accept upstream.credentials", "final") if $http == 401 && $ENV{WHO};
    return ("$said: it requires credentials, declare upstream.credentials", "final") if $http == 401;
    return ("$said: it does not exist, or upstream.credentials may not read it", "final") if $http == 403 && $ENV{WHO};
    return ($said, "spoiled") if $http == 416;
    return ($said, $http =~ /^(408|425|429)$/ || $http >= 500 && $http !~ /^(501|505|511)$/ ? "passing" : "final");
  }
  my ($page) = ($type // "") =~ m{^(text/html|application/xhtml)}i;
  if ($code == 0 && defined $page && $path !~ /html?$/) {
    return ("is a web page of " . ($got // 0) . " bytes ($page) and not the file: a login page of the network, or of a proxy (upstream.proxy)", "spoiled");
  }
  return ("the server answered with an error", "passing") if $code == 22;
  if ($code == 28) {
    return ("cannot be reached: no connection within 15 s", $had ? "passing" : "final") if $message =~ /connect/i;
    return ("takes too long at less than $ENV{SLOWEST} bytes a second$had; on a slow network, reduce upstream.slowestBytesPerSecond", "final") if $message !~ /too slow/i;
    return ("the server stalled: less than $ENV{SLOWEST} bytes a second came for $ENV{STALL} s$had", $had ? "stalled" : "final");
  }
  return ("the server does not use HTTP", "final") if $code == 1 && $message =~ m{HTTP/0\.9}i;
  return ("a redirect of the server is not followed: it leads to another protocol, or with credentials from https to http", "final") if $code == 1;
  return ("the certificate of the server is not accepted: declare its authority as upstream.ca (of a proxy: upstream.proxy.ca) ($message)", "final") if $code == 60;
  return ("the TLS handshake failed: see upstream.clientCertificate ($message)", "final")
    if $code == 58 || $code =~ /^(35|55|56)$/ && $message =~ /alert|certificate/i;
  return (($message || "curl exit code $code") . $had, $code =~ /^(5|6)$/ ? "final" : "passing") if $code != 0;
  return;
}
