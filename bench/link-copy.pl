# Files from one Pi to another over plain TCP: what the link and the disks can do at best. Every
# Debian has Perl with these modules; Time::HiRes is not among them.
#
#   link-copy.pl receive PORT FILE          prints how many bytes came and in how many seconds
#   link-copy.pl send ADDRESS PORT FILE…
use strict;
use warnings;
use IO::Socket::INET;

my $PATIENCE = 20;    # seconds for the other side to come
my $BLOCK    = 1 << 20;

# Seconds since the boot, to a hundredth.
sub now {
    open my $uptime, '<', '/proc/uptime' or die "/proc/uptime: $!\n";
    return (split ' ', <$uptime>)[0];
}

sub pump {
    my ($from, $to) = @_;
    my $all = 0;
    for (;;) {
        my $got = sysread($from, my $block, $BLOCK);
        die "read: $!\n" unless defined $got;
        last if $got == 0;
        for (my $at = 0; $at < $got;) {
            my $put = syswrite $to, $block, $got - $at, $at;
            die "write: $!\n" unless defined $put;
            $at += $put;
        }
        $all += $got;
    }
    return $all;
}

my ($role, @rest) = @ARGV;
if ($role eq 'receive') {
    my ($port, $file) = @rest;
    my $server = IO::Socket::INET->new(LocalPort => $port, Listen => 1, ReuseAddr => 1)
        or die "port $port: $@\n";
    $server->timeout($PATIENCE);
    my $link = $server->accept or die "nobody came within $PATIENCE s\n";
    open my $out, '>', $file or die "$file: $!\n";
    my $begin = now;
    my $all   = pump($link, $out);
    close $out or die "$file: $!\n";
    printf "%d %.2f\n", $all, now() - $begin || 0.01;
} else {
    my ($address, $port, @files) = @rest;
    my $link;
    for (my $until = time + $PATIENCE; !$link; select undef, undef, undef, 0.02) {
        die "$address:$port does not listen\n" if time > $until;
        $link = IO::Socket::INET->new(PeerAddr => $address, PeerPort => $port);
    }
    for my $file (@files) {
        open my $in, '<', $file or die "$file: $!\n";
        pump($in, $link);
    }
    close $link or die "$!\n";
}
