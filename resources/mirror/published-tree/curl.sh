# Fetches from upstream with curl, and explains its failures. Part of a job's script; it uses
#   WORK       as in fetch.sh
#   UPSTREAM, PARALLEL, STALL   as in fetch.sh
#   SLOWEST    minimum bytes per second of a transfer
#   PROXY      URL of the proxy of this host, or empty
#   UPSTREAM_CA, PROXY_CA       PEM texts of the authorities to accept instead of this host's, or empty
#   CLIENT_CERTIFICATE          PEM text of the client certificate for upstream, or empty
# and from the file JOB_SECRET, which is in memory, as sh:
#   ACCESS     lines of a configuration of curl
#   WHO, PROXY_WHO              "known" if it contains credentials for upstream, and for the proxy
#   CLIENT_KEY PEM text of the client certificate's key, or empty
#
# Programs: WHY_NOT (why-not.perl)
# Defines: fetch_by_curl
# Private: reach_upstream
# Needs variables: JOB_SECRET (../../../hosts/jobs.ts), WORK UPSTREAM STALL PARALLEL (scripts.ts), PROXY UPSTREAM_CA
#   PROXY_CA CLIENT_CERTIFICATE SLOWEST (upstream-access.ts)

# Read at once and removed: from here on only this process has the secrets.
ACCESS='' WHO='' PROXY_WHO='' CLIENT_KEY=''
# shellcheck source=/dev/null # written by secretSettings of upstream-access.ts: the four variables above
if [ -s "${JOB_SECRET:-}" ]; then . "$JOB_SECRET"; rm -f "$JOB_SECRET"; fi
export WHO PROXY_WHO STALL SLOWEST PROXY

# Options without secrets. This host's configuration of curl is ignored, as in the preview.
reach_upstream() {
  mkdir -p "$WORK/reach/nobody"
  if [ -n "$PROXY" ]; then echo "proxy = \"$PROXY\""; fi
  if [ -n "$UPSTREAM_CA" ]; then
    printf '%s\n' "$UPSTREAM_CA" >"$WORK/reach/upstream.pem"
    # Debian's curl also accepts the authorities in a directory.
    printf 'cacert = "%s"\ncapath = "%s"\n' "$WORK/reach/upstream.pem" "$WORK/reach/nobody"
  fi
  if [ -n "$PROXY_CA" ]; then
    printf '%s\n' "$PROXY_CA" >"$WORK/reach/proxy.pem"
    printf 'proxy-cacert = "%s"\nproxy-capath = "%s"\n' "$WORK/reach/proxy.pem" "$WORK/reach/nobody"
  fi
  if [ -n "$CLIENT_KEY" ]; then
    printf '%s\n' "$CLIENT_CERTIFICATE" >"$WORK/reach/client.pem"
    # curl reads the key for each connection, so it needs a file: in memory, while curl runs.
    (umask 077 && printf '%s\n' "$CLIENT_KEY" >"$JOB_SECRET.key")
    printf 'cert = "%s"\nkey = "%s"\n' "$WORK/reach/client.pem" "$JOB_SECRET.key"
  fi
  # With credentials over https, a redirect to http must not be followed.
  case "$UPSTREAM$ACCESS$CLIENT_KEY" in
    "$UPSTREAM" | http:*) ;;
    *) echo 'proto-redir = "=https"' ;;
  esac
}

# fetch_by_curl BATCH LARGEST: fetches the URLs of a configuration of curl; LARGEST is the size of the largest file. Writes a
# line for each into $WORK/report: exit code, status, file, status of the proxy's CONNECT, message, content type.
fetch_by_curl() {
  reach_upstream >"$WORK/reach.conf"
  longest=$(awk -v bytes="$2" -v slowest="$SLOWEST" -v stall="$STALL" 'BEGIN { printf "%d", bytes / slowest + 10 * stall + 60 }')
  # A transfer that exceeds the largest file of the batch fails; the others continue.
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
