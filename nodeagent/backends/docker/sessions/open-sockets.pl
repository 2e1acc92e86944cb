#!/usr/bin/perl
# Opens sockets in the network of a container, for whoever cannot go there: open-sockets.pl PID CONTAINER. Enters the network of PID, the first process of the
# container, gives up every right, and then answers orders until its parent lets go of it or the container has ended.
#
# Its parent is a process of Node, to which it speaks as a child process of Node does: messages are lines of JSON, and a socket goes with the message that
# names it (SCM_RIGHTS). An order is the string `ID PROTOCOL PORT ADDRESS...`: the addresses are tried one after the other. The answer is the number ID with the
# socket, by tcp a connected one and by udp one that is yet to be connected, or {id, why}. A message without an id says why there will be no answers.
use strict;
use warnings;
use Errno qw(EINPROGRESS EAGAIN EINTR);
use POSIX ();
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY SCM_RIGHTS SOCK_NONBLOCK inet_pton pack_sockaddr_in6);
require( __FILE__ =~ s{[^/]*$}{inside.pl}r );

use constant { WITHIN_SECONDS => 10, MOST_AT_ONCE => 256, NOBODY => 65534 };
my $sendmsg = { x86_64 => 46, aarch64 => 211 }->{ ( POSIX::uname() )[4] };

my ( $pid, $container ) = @ARGV;
open my $parent, '+<&=', $ENV{NODE_CHANNEL_FD} or exit 1;
$SIG{PIPE} = 'IGNORE';
my $life = eval { enter() };
if ( !$life ) { say_to_parent( { why => $@ } ); exit 1 }

my %opening;    # what is being connected, by the number of its descriptor
my $orders = '';
while (1) {
    # Others wait until there is room.
    while ( keys %opening < MOST_AT_ONCE && $orders =~ s/^([^\n]*)\n// ) { take_order($1) }
    my ( $reads, $writes ) = ( '', '' );
    vec( $reads,  fileno $parent, 1 ) = 1 if keys %opening < MOST_AT_ONCE;
    vec( $writes, $_,             1 ) = 1 for keys %opening;
    select( $reads, $writes, undef, 1 );
    if ( vec( $reads, fileno $parent, 1 ) ) {
        my $count = sysread $parent, $orders, 65_536, length $orders;
        exit 0 if defined $count ? $count == 0 : !( $!{EAGAIN} || $!{EINTR} );
    }
    for my $descriptor ( keys %opening ) {
        my $order = $opening{$descriptor};
        if ( vec( $writes, $descriptor, 1 ) ) { finish( delete $opening{$descriptor} ) }
        elsif ( time >= $order->{until} ) { refuse( delete $opening{$descriptor}, 'no answer for ' . WITHIN_SECONDS . ' s' ) }
    }
    exit 0 if has_ended($life);
}

sub enter {
    my $process = hold_process( $pid, $container );
    enter_namespaces('net');
    chdir '/';
    take_rights( { uid => NOBODY, gid => NOBODY, groups => [], effective => 0, bounding => 0 } );
    return $process;
}

# Node's own words on the same channel are no orders.
sub take_order {
    my ($line) = @_;
    my ( $id, $protocol, $port, $addresses ) = $line =~ /^"(\d+) (tcp|udp) (\d+)((?: [0-9a-f.:]+)*)"$/ or return;
    my $order = { id => $id, port => $port, addresses => [ split ' ', $addresses ], until => time + WITHIN_SECONDS };
    return attempt($order) if $protocol eq 'tcp';
    socket( my $socket, PF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0 ) or return refuse( $order, "$!" );
    return give( $order, $socket, '"type":"dgram.Socket","dgramType":"udp4"' );
}

# Begins to connect to the next address of the order.
sub attempt {
    my ($order) = @_;
    while ( defined( my $address = shift @{ $order->{addresses} } ) ) {
        my $family = $address =~ /:/ ? PF_INET6 : PF_INET;
        my $host = inet_pton( $family, $address ) or next;
        my $to = $family == PF_INET ? pack_sockaddr_in( $order->{port}, $host ) : pack_sockaddr_in6( $order->{port}, $host );
        if ( socket my $socket, $family, SOCK_STREAM | SOCK_NONBLOCK, 0 ) {
            $order->{socket} = $socket;
            return finish($order) if connect $socket, $to;
            if ( $!{EINPROGRESS} ) { $opening{ fileno $socket } = $order; return }
        }
        $order->{why} ||= "$!";
    }
    return refuse( $order, $order->{why} || 'it has no address' );
}

# Gives a connection away that stands, or tries on.
sub finish {
    my ($order) = @_;
    my $socket = delete $order->{socket};
    $! = unpack 'i', getsockopt $socket, SOL_SOCKET, SO_ERROR;
    if ( $! == 0 ) {
        # Where nobody listens, a connection may meet itself.
        my ( $near, $far ) = ( getsockname $socket, getpeername $socket );
        if ( defined $far && $near ne $far ) {
            setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
            return give( $order, $socket, '"type":"net.Socket"' );
        }
        $! = Errno::ECONNREFUSED();
    }
    $order->{why} ||= "$!";
    return attempt($order);
}

sub refuse {
    my ( $order, $why ) = @_;
    return say_to_parent( { id => $order->{id}, why => $why } );
}

# What Node's own child processes say when they send a socket.
sub give {
    my ( $order, $socket, $type ) = @_;
    my $message = qq({"cmd":"NODE_HANDLE",$type,"msg":$order->{id}}\n);
    my $bytes   = pack 'P Q', $message, length $message;
    my $rights  = pack 'Q i i i x4', 20, SOL_SOCKET, SCM_RIGHTS, fileno $socket;
    my $header  = pack 'Q L x4 P Q P Q i x4', 0, 0, $bytes, 1, $rights, length $rights, 0;
    exit 1 if syscall( $sendmsg, fileno $parent, $header, 0 ) != length $message;
    return;
}

sub say_to_parent {
    my ($said) = @_;
    my $why = $said->{why} =~ s/["\\\x00-\x1f]+/ /gr =~ s/\s+$//r;
    my $id = defined $said->{id} ? qq("id":$said->{id},) : '';
    my $message = qq({$id"why":"$why"}\n);
    exit 1 if syswrite( $parent, $message ) != length $message;
    return;
}
