#!/bin/bash
# Runs within the system that packaging/try boots: what somebody does who installs the package, and what they must see.

set -eEuo pipefail
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LIBRATO_ENDPOINT=http://127.0.0.1:8080 LIBRATO_USER=admin
trap 'echo "TRIAL FAILED in line $LINENO: $BASH_COMMAND"; journalctl -u librato-apply --no-pager -n 30' ERR

say() { printf '\n== %s\n' "$*"; }

ready() {
    for _ in $(seq 100); do
        ! curl --silent --fail http://127.0.0.1:8080/readyz >/dev/null || return 0
        sleep 0.2
    done
    return 1
}

# Waits until a file has a line.
has() {
    for _ in $(seq 300); do
        ! grep -qs -- "$2" "$1" || return 0
        sleep 0.2
    done
    return 1
}

# Waits until the service has said something.
said() {
    for _ in $(seq 100); do
        journalctl -u librato-apply --no-pager > /root/journal.txt
        ! grep -s -- "$1" /root/journal.txt || return 0
        sleep 0.2
    done
    return 1
}

# Where something shall not be so: a mere `!` would end nothing.
no() {
    if "$@"; then
        echo "it is so: $*"
        return 1
    fi
}

say "there is no Rust here"
no command -v cargo
no command -v rustc

say "install"
dpkg -i /old.deb
systemctl is-enabled librato-apply
systemctl is-active librato-apply
ready
stat -c '%A %U %n' /etc/librato-apply/token /etc/librato-apply/serve.yaml
# Exported once it is there: a token is in no argument.
LIBRATO_TOKEN="$(cat /etc/librato-apply/token)"
export LIBRATO_TOKEN
stat -c 'it runs as %U' "/proc/$(systemctl show -P MainPID librato-apply)" | grep -v root
ls -l /usr/share/man/man1/librato-apply*.1.gz | wc -l
test -s /usr/share/bash-completion/completions/librato-apply
no grep "target/" /usr/share/bash-completion/completions/librato-apply
systemd-analyze security librato-apply --no-pager | tail -n 1

say "configure: this machine may be notified"
printf 'notify:\n  allow: [127.0.0.1]\n' >> /etc/librato-apply/serve.yaml
systemctl reload librato-apply
said 'targets that may be notified although they are private were changed'

say "the quickstart"
cp -r /usr/share/doc/librato-apply/examples/quickstart /root/quickstart
cd /root
librato-apply apply quickstart --auto-approve 2>&1 | tail -n 2

say "a page arrives"
cat > listen.py <<'PYTHON'
import http.server, json
class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        page = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print(page["alert"]["name"], "clear" if "clear" in page else sorted(page["violations"]), flush=True)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", 9000), Listener).serve_forever()
PYTHON
python3 listen.py > pages.txt &
listener=$!
cat > page.yaml <<'YAML'
services:
  listener: { type: webhook, settings: { url: "http://127.0.0.1:9000", format: json } }
alerts:
  trial.hot:
    conditions: [{ type: above, metric_name: site.response.ms, source: web-1, threshold: 800 }]
    services: [listener]
YAML
librato-apply apply page.yaml --auto-approve 2>&1 | tail -n 1
librato-apply submit site.response.ms 900 --source web-1
has pages.txt "trial.hot \['web-1'\]"
cat pages.txt

say "killed, it starts again and has everything"
systemctl kill --signal=KILL librato-apply
sleep 3
ready
librato-apply query site.response.ms --resolution 1 --format csv | grep ',900'

say "upgrade"
before="$(dpkg-query -W -f '${Version}' librato-apply)"
dpkg --force-confold -i /new.deb
after="$(dpkg-query -W -f '${Version}' librato-apply)"
echo "from $before to $after"
test "$before" != "$after"
systemctl is-active librato-apply
ready
librato-apply query site.response.ms --resolution 1 --format csv | grep ',900'
librato-apply plan quickstart --detailed-exitcode > /dev/null
grep -q 'allow: \[127.0.0.1\]' /etc/librato-apply/serve.yaml
librato-apply submit site.response.ms 100 --source web-1
has pages.txt 'trial.hot clear'
cat pages.txt

say "systemd listens, on port 80: no connection is refused while the service is restarted"
sed 's/:8080/:80/' /usr/share/doc/librato-apply/examples/librato-apply.socket > /etc/systemd/system/librato-apply.socket
systemctl daemon-reload
systemctl stop librato-apply
systemctl enable --quiet --now librato-apply.socket
systemctl start librato-apply
curl --silent --fail --retry 20 --retry-delay 1 --retry-all-errors http://127.0.0.1/readyz > /dev/null
# One after the other, until it is enough.
while [ ! -e /root/enough ]; do
    curl --silent --output /dev/null --write-out '%{http_code} %{errormsg}\n' --max-time 30 http://127.0.0.1/healthz || true
done > /root/asked.txt &
asking=$!
for _ in 1 2 3; do systemctl restart librato-apply; sleep 1; done
touch /root/enough
wait "$asking"
sort /root/asked.txt | uniq -c
no grep -v '^200 ' /root/asked.txt
stat -c 'it runs as %U' "/proc/$(systemctl show -P MainPID librato-apply)" | grep -v root
systemctl disable --quiet --now librato-apply.socket
rm /etc/systemd/system/librato-apply.socket
systemctl daemon-reload
systemctl restart librato-apply
ready

say "backup while it runs, checked"
librato-apply serve backup /var/lib/librato-apply/librato.db /root/copy.db
librato-apply serve check /root/copy.db | tail -n 1

say "stopped, it is examined; restored from the copy by root, it is served again, and has what it had"
systemctl stop librato-apply
librato-apply serve check /var/lib/librato-apply/librato.db | tail -n 1
mkdir /root/later
mv /var/lib/librato-apply/librato.db* /root/later/
librato-apply serve restore /root/copy.db /var/lib/librato-apply/librato.db --adopt | tail -n 1
ls -ln /var/lib/librato-apply/
systemctl start librato-apply
ready
librato-apply query site.response.ms --resolution 1 --format csv | grep ',900'

say "remove"
kill "$listener"
dpkg -r librato-apply
no systemctl is-active librato-apply
test ! -e /usr/bin/librato-apply
test -s /var/lib/private/librato-apply/librato.db

say "purge"
dpkg -P librato-apply
no test -e /etc/librato-apply
say "what is left"
find /var/lib/private/librato-apply -type f
left="$(find / -xdev \( -path /proc -o -path /sys -o -path /root -o -path /var/lib/private \) -prune -o -name '*librato*' -print | grep -v '^/var/lib/librato-apply$' || true)"
test -z "$left" || { echo "left behind: $left"; false; }

echo "TRIAL PASSED"
