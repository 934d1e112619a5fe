# How curl reaches upstream, and what its failures mean. Part of a job's script; expects:
#   WORK       as in fetch.sh
#   UPSTREAM, PARALLEL, STALL   as in fetch.sh
#   SLOWEST    bytes a second below which a transfer is given up
#   PROXY      URL of the proxy of this host, or nothing
#   UPSTREAM_CA, PROXY_CA       PEM texts of the authorities to accept instead of this host's, or nothing
#   CLIENT_CERTIFICATE          PEM text to show to upstream, or nothing
# and in the file JOB_SECRET, which is in memory, as sh:
#   ACCESS     lines of a configuration of curl
#   WHO, PROXY_WHO              "known" where credentials for upstream, and for the proxy, are in it
#   CLIENT_KEY PEM text of the client certificate's key, or nothing

# Read at once and taken away: from here on it is in this process alone.
ACCESS='' WHO='' PROXY_WHO='' CLIENT_KEY=''
# shellcheck source=/dev/null # what secretSettings of upstream-access.ts writes: the four above
if [ -s "${JOB_SECRET:-}" ]; then . "$JOB_SECRET"; rm -f "$JOB_SECRET"; fi
export WHO PROXY_WHO STALL SLOWEST PROXY

# Options that are no secrets. Nothing of this host's own configuration of curl counts, as it does not for the preview.
reach_upstream() {
  mkdir -p "$WORK/reach/nobody"
  if [ -n "$PROXY" ]; then echo "proxy = \"$PROXY\""; fi
  if [ -n "$UPSTREAM_CA" ]; then
    printf '%s\n' "$UPSTREAM_CA" >"$WORK/reach/upstream.pem"
    # Debian's curl accepts what is in a directory, too.
    printf 'cacert = "%s"\ncapath = "%s"\n' "$WORK/reach/upstream.pem" "$WORK/reach/nobody"
  fi
  if [ -n "$PROXY_CA" ]; then
    printf '%s\n' "$PROXY_CA" >"$WORK/reach/proxy.pem"
    printf 'proxy-cacert = "%s"\nproxy-capath = "%s"\n' "$WORK/reach/proxy.pem" "$WORK/reach/nobody"
  fi
  if [ -n "$CLIENT_KEY" ]; then
    printf '%s\n' "$CLIENT_CERTIFICATE" >"$WORK/reach/client.pem"
    # curl reads a key for each connection, so from a file: in memory, for as long as curl runs.
    (umask 077 && printf '%s\n' "$CLIENT_KEY" >"$JOB_SECRET.key")
    printf 'cert = "%s"\nkey = "%s"\n' "$WORK/reach/client.pem" "$JOB_SECRET.key"
  fi
  # Who shows who they are over https is not to be led to where all can read it.
  case "$UPSTREAM$ACCESS$CLIENT_KEY" in
    "$UPSTREAM" | http:*) ;;
    *) echo 'proto-redir = "=https"' ;;
  esac
}

# fetch_by_curl BATCH LARGEST: fetches the URLs of a configuration of curl, of which the largest has so many bytes; leaves a
# line for each in $WORK/report: exit code, status, file, status of the proxy's CONNECT, message, content type.
fetch_by_curl() {
  reach_upstream >"$WORK/reach.conf"
  longest=$(awk -v bytes="$2" -v slowest="$SLOWEST" -v stall="$STALL" 'BEGIN { printf "%d", bytes / slowest + 10 * stall + 60 }')
  # What a server sends beyond the largest file of the batch is not written: that transfer fails, the others go on.
  printf '%s\n' "$ACCESS" | (
    trap '' XFSZ
    ulimit -f $(($2 / 512 + 2048))
    unset http_proxy https_proxy all_proxy no_proxy HTTPS_PROXY ALL_PROXY NO_PROXY
    exec curl -q --config - --config "$WORK/reach.conf" --config "$1" \
      --parallel --parallel-max "$PARALLEL" --parallel-immediate --user-agent airgapped-maas \
      --fail --location --proto '=http,https' --max-redirs 5 --globoff --path-as-is \
      --connect-timeout 15 --speed-limit "$SLOWEST" --speed-time "$STALL" --max-time "$longest" \
      --max-filesize "$(($2 + 1048576))" --continue-at - --no-progress-meter \
      --write-out '%{exitcode}\t%{http_code}\t%{filename_effective}\t%{http_connect}\t%{errormsg}\t%{content_type}\n'
  ) >"$WORK/report" 2>"$WORK/curl.err" || true
  if [ -n "$CLIENT_KEY" ]; then rm -f "$JOB_SECRET.key"; fi
}

# Perl: why_not(REPORT, SIZE, GOT, PATH), for a file that did not arrive whole: the reason, and what becomes of it. "passing"
# is tried again as often as there is patience, "stalled" and "spoiled" (by a proxy, perhaps) once more, "final" is not.
# Undefined where curl has nothing to say of it.
why_not='
  sub why_not {
    my ($report, $size, $got, $path) = @_; my ($code, $http, $connect, $message, $type) = @$report; my $had = defined $got ? " ($got of $size bytes are there)" : "";
    $message //= ""; $message =~ s{//[^/\s]*@}{//}g; $message =~ s{[?][^\s]*}{?...}g;
    my $proxy_said = ($http // "") eq "407" ? 407 : ($connect // "") =~ /^[45]\d\d$/ ? $connect : 0;
    if ($proxy_said == 407) { return ($ENV{PROXY_WHO} ? "the proxy does not take upstream.proxy.credentials (407)" : "a proxy wants to know who asks (407): declare upstream.proxy with credentials", "final") }
    if ($proxy_said) { return ("the proxy does not connect to upstream (it answered $proxy_said)", $proxy_said >= 500 ? "passing" : "final") }
    if (($http // "") =~ /^[45]/) {
      my $said = "the server answered $http";
      return ($ENV{WHO} ? "$said: it does not take upstream.credentials" : "$said: it wants to know who asks, declare upstream.credentials", "final") if $http == 401;
      return ("$said: it is not there, or upstream.credentials are not good for it", "final") if $http == 403 && $ENV{WHO};
      return ($said, "spoiled") if $http == 416;
      return ($said, $http =~ /^(408|425|429)$/ || $http >= 500 && $http !~ /^(501|505|511)$/ ? "passing" : "final");
    }
    my $page = ($type // "") =~ m{^(text/html|application/xhtml)}i && $path !~ /html?$/;
    if (($code // 0) == 0 && $page) { return ("is a web page of " . ($got // 0) . " bytes ($1) and not the file: a login page of the network, or of a proxy (upstream.proxy)", "spoiled") }
    return ("the server answered with an error", "passing") if ($code // 0) == 22;
    if (($code // 0) == 28) {
      return ("cannot be reached: no connection within 15 s", $had ? "passing" : "final") if $message =~ /connect/i;
      return ("takes too long at less than $ENV{SLOWEST} bytes a second$had; on a line that is no faster, set upstream.slowestBytesPerSecond to less", "final") if $message !~ /too slow/i;
      return ("the server stalled: less than $ENV{SLOWEST} bytes a second came for $ENV{STALL} s$had", $had ? "stalled" : "final");
    }
    return ("what answers there does not speak HTTP", "final") if ($code // 0) == 1 && $message =~ m{HTTP/0\.9}i;
    return ("the server leads to where it is not followed: to another protocol, or with credentials from https to http", "final") if ($code // 0) == 1;
    return ("no certificate of its server is accepted: declare its authority as upstream.ca (of a proxy: upstream.proxy.ca) ($message)", "final") if ($code // 0) == 60;
    return ("no TLS connection comes about: see upstream.clientCertificate ($message)", "final") if ($code // 0) == 58 || ($code // 0) =~ /^(35|55|56)$/ && $message =~ /alert|certificate/i;
    return (($message || "curl exit code $code") . $had, $code =~ /^(5|6)$/ ? "final" : "passing") if ($code // 0) != 0;
    return;
  }
'
