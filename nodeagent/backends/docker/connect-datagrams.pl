#!/usr/bin/perl
# Sends datagrams to a UDP port as the inside of a container sees it: connect-datagrams.pl PID PORT. Enters the network of the process PID, says a line
# (`connected`, or why not), and then passes datagrams between its input and output and the port. In input and output each is its length in two
# bytes, big-endian, and then itself. What the output does not take in time is dropped.
use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use POSIX ();
use Socket qw(PF_INET SOCK_DGRAM INADDR_LOOPBACK pack_sockaddr_in);

my ( $pid, $port ) = @ARGV;
my $setns = { x86_64 => 308, aarch64 => 268 }->{ ( POSIX::uname() )[4] } or refuse('this machine cannot enter networks');
open( my $network, '<', "/proc/$pid/ns/net" ) or refuse("its network is not there: $!");
syscall( $setns, fileno $network, 0x40000000 ) == 0 or refuse("its network cannot be entered: $!");
socket( my $remote, PF_INET, SOCK_DGRAM, 0 ) or refuse($!);
connect( $remote, pack_sockaddr_in( $port, INADDR_LOOPBACK ) ) or refuse($!);
syswrite STDOUT, "connected\n";

$SIG{PIPE} = 'IGNORE';
fcntl( $_, F_SETFL, fcntl( $_, F_GETFL, 0 ) | O_NONBLOCK ) for \*STDIN, \*STDOUT, $remote;
my $held_limit = 262_144;
my ( $orders, $answers ) = ( '', '' );
while (1) {
    my ( $reads, $writes ) = ( '', '' );
    vec( $reads, fileno $_, 1 ) = 1 for \*STDIN, $remote;
    vec( $writes, fileno STDOUT, 1 ) = 1 if $answers ne '';
    select( $reads, $writes, undef, undef );
    if ( vec( $reads, fileno STDIN, 1 ) ) {
        my $count = sysread STDIN, $orders, 65536, length $orders;
        exit 0 if defined $count ? $count == 0 : !( $!{EAGAIN} || $!{EINTR} );
        while ( length $orders >= 2 ) {
            my $size = unpack 'n', $orders;
            last if length $orders < 2 + $size;
            # Where nobody listens the datagram is lost, and the next may find somebody.
            syswrite $remote, substr( $orders, 2, $size );
            $orders = substr $orders, 2 + $size;
        }
    }
    if ( vec( $reads, fileno $remote, 1 ) ) {
        my $datagram;
        my $count = sysread $remote, $datagram, 65536;
        $answers .= pack( 'n', $count ) . $datagram if defined $count && length($answers) + $count + 2 <= $held_limit;
    }
    if ( $answers ne '' ) {
        my $count = syswrite STDOUT, $answers;
        if ( defined $count ) { $answers = substr $answers, $count }
        else                  { exit 1 if !( $!{EAGAIN} || $!{EINTR} ) }
    }
}

sub refuse { syswrite STDOUT, "$_[0]\n"; exit 1 }
