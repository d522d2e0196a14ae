#!/usr/bin/env bash
# Builds the Debian package of this tree and lives its life: install, run, upgrade, remove, purge. Root; about three minutes.
# It happens in a copy of the tree and on an overlay of this machine's root, of which nothing stays. KEEP=folder keeps the package;
# ONLY=build ends with it. Exit code 77: no overlay can be mounted here, so the package was built and not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
source=$PWD
[ "$(id -u)" = 0 ] || { echo "must be root"; exit 2; }
export DEBIAN_FRONTEND=noninteractive
for package in dh-virtualenv debhelper fakeroot dpkg-dev python3-venv lintian; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="${missing:-} $package"
done
if [ -n "${missing:-}" ]; then
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
work=$(mktemp -d)
root=$work/root
end() {
    for mounted in "$root/dev" "$root/proc" "$root" "$work/layers"; do umount --recursive --lazy "$mounted" 2>/dev/null || true; done
    rm -rf --one-file-system "$work"
}
trap end EXIT

say() { echo "== $*"; }
die() { echo "FAILED: $*" >&2; exit 1; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
as_service() { inside runuser -u scaisend -- sh -c "cd /var/lib/scaisend && $*"; }
is_there() { [ -e "$root$1" ] || die "$1 is not there"; }
is_gone() { [ ! -e "$root$1" ] || die "$1 is still there: $(find "$root$1" | head -5)"; }
nothing_runs() { ! inside pgrep -u scaisend >/dev/null || die "a process of the service runs"; }

say "build"
mkdir "$work/tree"
git ls-files -z --cached --others --exclude-standard | (while IFS= read -r -d '' file; do [ -e "$file" ] && printf '%s\0' "$file"; done) \
    | tar --null --files-from=- -cf - | tar -C "$work/tree" -xf -
(cd "$work/tree" && dpkg-buildpackage -b -us -uc >"$work/build.log" 2>&1) || { tail -40 "$work/build.log"; die "the build"; }
package=$(echo "$work"/scaisend_*.deb)
ls -l "$package"
! dpkg-deb -c "$package" | grep -E '__pycache__|/tests?/.*\.py$|direct_url\.json$|\.pyc$' || die "the package holds what no service runs"
dpkg-deb -x "$package" "$work/unpacked"
! grep -r -l -F "$work" "$work/unpacked" || die "the package holds paths of its build"
lintian --fail-on error --suppress-tags dir-or-file-in-opt,embedded-library,unstripped-binary-or-object,embedded-javascript-library "$package" || die "lintian"

say "units"
units=$work/unpacked/lib/systemd/system
for role in api worker smtp; do
    [ -e "$units/scaisend-$role@.service" ] || die "no template unit of $role"
    systemd-analyze security --offline=true --threshold=20 "$units/scaisend-$role.service" | tail -1
done

keep() { [ -z "${KEEP:-}" ] || { mkdir -p "$source/$KEEP" && cp "$package" "$source/$KEEP/" && echo "$KEEP/$(basename "$package")"; }; }
if [ "${ONLY:-}" = build ]; then keep; exit 0; fi

say "a later version"
dpkg-deb -R "$package" "$work/later"
sed -i 's/^Version: .*/&+later/' "$work/later/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/later" "$work/later.deb" >/dev/null

mkdir "$work/layers" "$root"
mount -t tmpfs tmpfs "$work/layers" || exit 77
mkdir "$work/layers/upper" "$work/layers/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layers/upper,workdir=$work/layers/work" "$root" || exit 77
mount -t proc proc "$root/proc"
mount --rbind --make-rslave /dev "$root/dev"
mkdir -p "$root/tmp/packages"
cp "$package" "$root/tmp/packages/now.deb"
cp "$work/later.deb" "$root/tmp/packages/later.deb"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
is_gone /etc/scaisend
is_gone /opt/scaisend

say "install"
inside dpkg -i /tmp/packages/now.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; die "dpkg -i"; }
nothing_runs
[ "$(inside stat -c '%a %U' /etc/scaisend /var/lib/scaisend | xargs)" = "750 scaisend 700 scaisend" ] || die "owner or mode of the folders"
! find "$root/etc/systemd/system" -name 'scaisend*' | grep -q . || die "a unit was enabled"
is_there /etc/scaisend/env.example
inside dpkg-query -W -f '${Conffiles}' scaisend | grep -q /etc/scaisend/env.example || die "env.example is no conffile"
as_service "scaisend --version"
as_service "/opt/scaisend/.venv/bin/twistd --help" | grep -q 'scaisend ' || die "twistd does not know the plugin"
is_there /usr/share/man/man1/scaisend.1.gz
inside bash -c '. /usr/share/bash-completion/completions/scaisend && complete -p scaisend' >/dev/null || die "bash does not complete the command"
inside sh -c 'umask 077; echo SMTP_HELO_HOSTNAME=mx.example.org >/etc/scaisend/.env; chown scaisend: /etc/scaisend/.env'
as_service "scaisend migrate --env-file /etc/scaisend/.env"
as_service "timeout -s TERM 10 scaisend serve --port 0 --host 127.0.0.1 --env-file /etc/scaisend/.env" >"$work/run.log" 2>&1 || true
grep -q 'the API listens on' "$work/run.log" || { cat "$work/run.log"; die "the API did not run"; }
! grep -q 'plugin cache' "$work/run.log" || die "the plugin cache was not made"

say "upgrade"
echo "# the operator's own line" >>"$root/etc/scaisend/env.example"
inside dpkg -i /tmp/packages/later.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; die "the upgrade"; }
inside dpkg-query -W -f '${Version}\n' scaisend | grep later
nothing_runs
grep -q "operator's own" "$root/etc/scaisend/env.example" || die "the conffile was overwritten"
grep -q mx.example.org "$root/etc/scaisend/.env" || die ".env was not kept"
is_there /var/lib/scaisend/scaisend-data/scaisend.db
as_service "scaisend migrate --env-file /etc/scaisend/.env" | grep -q 'nothing to do' || die "the database was not kept"

say "remove"
inside dpkg -r scaisend >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; die "dpkg -r"; }
is_gone /opt/scaisend
is_gone /usr/bin/scaisend
is_there /etc/scaisend/.env
is_there /var/lib/scaisend/scaisend-data/scaisend.db

say "install again, purge"
inside dpkg -i /tmp/packages/now.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; die "the second install"; }
inside dpkg -P scaisend >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; die "dpkg -P"; }
for path in /opt/scaisend /etc/scaisend /var/lib/scaisend /usr/bin/scaisend /usr/share/doc/scaisend /usr/share/man/man1/scaisend.1.gz; do is_gone "$path"; done
! inside getent passwd scaisend || die "the user is still there"
! find "$work/layers/upper" -path "*/tmp" -prune -o -name '*scaisend*' -not -type c -print | grep . || die "something was left behind"
keep
echo "the package installs, runs, upgrades, and leaves nothing behind"
