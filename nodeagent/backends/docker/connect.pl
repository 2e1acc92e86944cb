#!/usr/bin/perl
# Connects to a port as the inside of a container sees it: connect.pl PID PORT. Enters the network of the process PID, connects to 127.0.0.1, says
# a line (`connected`, or why not) and then passes bytes between its input and output and the connection, each half to its end.
use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use POSIX ();
use Socket qw(PF_INET SOCK_STREAM INADDR_LOOPBACK IPPROTO_TCP TCP_NODELAY pack_sockaddr_in);

my ( $pid, $port ) = @ARGV;
my $setns = { x86_64 => 308, aarch64 => 268 }->{ ( POSIX::uname() )[4] } or refuse('this machine cannot enter networks');
open( my $network, '<', "/proc/$pid/ns/net" ) or refuse("its network is not there: $!");
syscall( $setns, fileno $network, 0x40000000 ) == 0 or refuse("its network cannot be entered: $!");
socket( my $remote, PF_INET, SOCK_STREAM, 0 ) or refuse($!);
connect( $remote, pack_sockaddr_in( $port, INADDR_LOOPBACK ) ) or refuse($!);
setsockopt( $remote, IPPROTO_TCP, TCP_NODELAY, 1 );
syswrite STDOUT, "connected\n";

$SIG{PIPE} = 'IGNORE';
my @pumps = map { { from => $_->[0], to => $_->[1], held => '' } } [ \*STDIN, $remote ], [ $remote, \*STDOUT ];
fcntl( $_, F_SETFL, fcntl( $_, F_GETFL, 0 ) | O_NONBLOCK ) for \*STDIN, \*STDOUT, $remote;
while (@pumps) {
    my ( $reads, $writes ) = ( '', '' );
    vec( $_->{held} eq '' ? $reads : $writes, fileno( $_->{held} eq '' ? $_->{from} : $_->{to} ), 1 ) = 1 for @pumps;
    select( $reads, $writes, undef, undef );
    @pumps = grep { pump( $_, $reads, $writes ) } @pumps;
}

# Moves what can be moved; false when the half has ended. A side that breaks ends all.
sub pump {
    my ( $pump, $reads, $writes ) = @_;
    if ( $pump->{held} eq '' ) {
        return 1 if !vec( $reads, fileno $pump->{from}, 1 );
        my $count = sysread $pump->{from}, $pump->{held}, 65536;
        if ( !$count ) {
            return 1 if !defined $count && ( $!{EAGAIN} || $!{EINTR} );
            exit 1 if !defined $count;
            $pump->{to} == $remote ? shutdown( $remote, 1 ) : close STDOUT;
            return 0;
        }
    }
    elsif ( !vec( $writes, fileno $pump->{to}, 1 ) ) { return 1 }
    my $count = syswrite $pump->{to}, $pump->{held};
    if ( !defined $count ) { return 1 if $!{EAGAIN} || $!{EINTR}; exit 1 }
    $pump->{held} = substr $pump->{held}, $count;
    return 1;
}

sub refuse { syswrite STDOUT, "$_[0]\n"; exit 1 }
