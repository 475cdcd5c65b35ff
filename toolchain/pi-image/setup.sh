#!/bin/sh
# Turns a minimal Debian into a virtual Pi: what a freshly flashed Raspberry Pi OS Lite offers to
# somebody who logs in over SSH, as far as the lab needs it. Runs as root inside the base image.
set -eu

export DEBIAN_FRONTEND=noninteractive

# Nothing may start while packages are unpacked.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
# Some packages' scripts expect the folder, which minimal images leave out.
mkdir -p /usr/share/man/man1

apt-get -q -o Acquire::Retries=3 update
apt-get -q -o Acquire::Retries=3 install -y --no-install-recommends \
  ca-certificates dbus iproute2 openssh-server procps sudo systemd systemd-sysv tzdata
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/sbin/policy-rc.d

# A user with sudo and without a password: the key is the only way in, as on the lab's real Pis.
useradd --create-home --shell /bin/bash --user-group pi
usermod --lock pi
echo 'pi ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/010_pi-nopasswd
chmod 440 /etc/sudoers.d/010_pi-nopasswd
install -d -m 700 -o pi -g pi /home/pi/.ssh
install -d -m 755 /etc/ssh/authorized_keys.d

# Each machine gets its own, from outside, before its first start: the lab pins them.
rm -f /etc/ssh/ssh_host_*
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id

# Nobody logs in on a console, no hardware appears, and the package index is refreshed by the lab
# alone (a timer would hold dpkg's lock at the wrong moment).
systemctl mask -- \
  console-getty.service getty-static.service getty.target \
  systemd-udevd.service systemd-udev-trigger.service systemd-remount-fs.service \
  systemd-networkd-wait-online.service systemd-firstboot.service systemd-logind.service \
  dev-hugepages.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
systemctl enable ssh.service
systemctl set-default multi-user.target
# sshd complains at each login without it.
: > /etc/default/locale
rm -f /virtual-pi-setup.sh
rm -rf /tmp/* /var/tmp/* /var/log/*.log /var/log/apt /var/cache/ldconfig
