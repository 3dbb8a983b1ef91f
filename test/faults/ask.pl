#!/usr/bin/perl
# Asks the wire for every VIP without pause, and sends each real server packets for them.
#
# Usage: ask.pl DEVICE OWN-ADDRESS SOURCE-PREFIX FIRST LAST VIP... , in the wire's namespace.
#
# A round every 10 ms: for each VIP a broadcast ARP request with our sender address and one with
# none (0.0.0.0, as of `arping -D`); and to each real server an ICMP echo for one of the VIPs from an
# address that nobody has, so that it must itself ask by ARP and choose a sender address for that.
# Lines on stdin are MACs of real servers; at its end the number of requests is printed.
use strict;
use warnings;
use Socket;
use IO::Select;

my ($device, $own, $prefix, $first, $last, @vips) = @ARGV;
open(my $index_file, '<', "/sys/class/net/$device/ifindex") or die "no $device: $!";
my $index = <$index_file> + 0;
open(my $mac_file, '<', "/sys/class/net/$device/address") or die "no $device: $!";
my $mac = unmac(scalar <$mac_file>);

my ($AF_PACKET, $BROADCAST) = (17, "\xff" x 6);
socket(my $wire, $AF_PACKET, SOCK_RAW, 0) or die "no packet socket: $!";
my $to = pack('S n i S C C a8', $AF_PACKET, 0, $index, 0, 0, 6, $BROADCAST);

my (@servers, $asked, $round);
($asked, $round) = (0, 0);
my $stdin = IO::Select->new(\*STDIN);
$| = 1;
print "asking\n";
while (1) {
  if ($stdin->can_read(0.01)) {
    my $got = sysread(STDIN, my $text, 4096);
    last unless $got;
    push @servers, map { unmac($_) } split ' ', $text;
  }
  for my $vip (map { inet_aton($_) } @vips) {
    for my $sender (inet_aton($own), "\0\0\0\0") {
      my $frame = $BROADCAST . $mac . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, 1);
      $frame .= $mac . $sender . "\0" x 6 . $vip;
      $asked++ if send($wire, $frame . "\0" x 18, 0, $to);
    }
  }
  $round++;
  for my $number (0 .. $#servers) {
    my $source = $prefix . '.' . ($first + $round % ($last - $first + 1));
    my $vip = $vips[ ($round + $number) % @vips ];
    send($wire, $servers[$number] . $mac . echo($source, $vip), 0, $to);
  }
}
print "asked $asked\n";

sub unmac { my ($text) = @_; $text =~ s/[^0-9a-f]//gi; return pack('H12', $text) }

sub echo {
  my ($source, $target) = @_;
  my $icmp = pack('C C n n n', 8, 0, 0, 1, $round & 0xffff);
  substr($icmp, 2, 2) = pack('n', checksum($icmp));
  my $ip = pack('C C n n n C C n', 0x45, 0, 20 + length $icmp, 0, 0, 64, 1, 0);
  $ip .= inet_aton($source) . inet_aton($target);
  substr($ip, 10, 2) = pack('n', checksum($ip));
  return pack('n', 0x0800) . $ip . $icmp;
}

sub checksum {
  my $sum = 0;
  $sum += $_ for unpack('n*', $_[0]);
  $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
  return ~$sum & 0xffff;
}
