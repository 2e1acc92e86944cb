#!/usr/bin/perl
# Runs programs for the agent, and asks the kernel where containers are joined to a bridge. Its parent is large, and stands still whenever it makes a process;
# this one is small. Orders come on its input, one after the other, until that ends; each is answered on its output. Orders and answers are lists of items:
# the bytes of the whole as 32 bits, then each item behind its own length.
#
#     run INPUT PROGRAM ARGUMENT...   is answered: how it ended (a code, `killed`, or why it did not begin), its output, its errors
#     port BRIDGE PID CONTAINER       is answered: the interface of this network by which PID, the container's first process, is joined to the bridge; else nothing
use strict;
use warnings;
no warnings 'exec';
use POSIX ();
use Socket qw(SOCK_RAW);
require( __FILE__ =~ s{[^/]*$}{../backends/docker/sessions/inside.pl}r );

use constant { PIPE_BUF => 4096, READ => 65_536 };
use constant { AF_NETLINK => 16, ERROR => 2, DONE => 3, MULTI => 2, GET_LINK => 18, GET_NAMESPACE => 90, REQUEST => 1, DUMP => 0x301 };
use constant { IFLA_IFNAME => 3, IFLA_MASTER => 10, IFLA_LINK_NETNSID => 37, NETNSA_NSID => 1, NETNSA_FD => 3 };

my %serve = ( run => \&run, port => \&port_of );
$SIG{PIPE} = 'IGNORE';
while ( defined( my $size = take(4) ) ) {
    my $order = take( unpack 'L', $size );
    exit 0 if !defined $order;
    my ( $verb, @rest ) = unpack '(L/a)*', $order;
    my $answer = pack '(L/a)*', $serve{$verb}->(@rest);
    give( pack( 'L', length $answer ) . $answer );
}
exit 0;

# That many bytes of the input; undefined where it ends before.
sub take {
    my ($count) = @_;
    my $bytes = '';
    while ( length $bytes < $count ) { sysread( STDIN, $bytes, $count - length $bytes, length $bytes ) or return }
    return $bytes;
}

sub give {
    my ($bytes) = @_;
    while ( length $bytes ) { substr $bytes, 0, ( syswrite( STDOUT, $bytes ) || exit 1 ), '' }
    return;
}

sub run {
    my ( $input, @command ) = @_;
    pipe my $orders, my $write or return ( "$!", '', '' );
    my @pipes = map { pipe my $read, my $end or return ( "$!", '', '' ); [ $read, $end ] } 0 .. 2;
    my $pid = fork;
    return ( "$!", '', '' ) if !defined $pid;
    if ( !$pid ) {
        $SIG{PIPE} = 'DEFAULT';
        open STDIN,  '<&', $orders;
        open STDOUT, '>&', $pipes[0][1];
        open STDERR, '>&', $pipes[1][1];
        exec { $command[0] } @command;
        # This pipe ends where another program begins.
        syswrite $pipes[2][1], $!{ENOENT} ? 'ENOENT' : "$!";
        POSIX::_exit(127);
    }
    close $_ for $orders, map { $_->[1] } @pipes;
    my @said = exchange( $write, $input, map { $_->[0] } @pipes );
    waitpid $pid, 0;
    return ( length $said[2] ? $said[2] : $? & 127 ? 'killed' : $? >> 8, @said[ 0, 1 ] );
}

# Writes the input, and reads from all of those until they end.
sub exchange {
    my ( $to, $input, @from ) = @_;
    my @said = map { '' } @from;
    my %open = map { ( $_ => 1 ) } 0 .. $#from;
    while (%open) {
        if ( $to && !length $input ) { close $to; undef $to }
        my ( $reads, $writes ) = ( '', '' );
        vec( $reads,  fileno $from[$_], 1 ) = 1 for keys %open;
        vec( $writes, fileno $to,       1 ) = 1 if $to;
        select( $reads, $writes, undef, undef ) < 0 and next;
        if ( $to && vec $writes, fileno $to, 1 ) {
            # One that ends without reading all says why.
            my $count = syswrite $to, $input, PIPE_BUF;
            $input = defined $count ? substr $input, $count : '';
        }
        for ( keys %open ) {
            next if !vec $reads, fileno $from[$_], 1;
            sysread( $from[$_], $said[$_], READ, length $said[$_] ) or delete $open{$_};
        }
    }
    return @said;
}

# A cable's end on the bridge knows in which network its other end lies. While that network is held open, its number is no other's.
sub port_of {
    my ( $bridge, $pid, $container ) = @_;
    my $name = eval {
        hold_process( $pid, $container );
        open my $namespace, '<', 'ns/net' or die "its network is not there: $!\n";
        socket my $kernel, AF_NETLINK, SOCK_RAW, 0 or die "netlink: $!\n";
        my $index = ( links( $kernel, REQUEST, IFLA_IFNAME, "$bridge\0" ) )[0]{index};
        my @joined = links( $kernel, DUMP, IFLA_MASTER, pack 'L', $index );
        my ($found) = ask( $kernel, GET_NAMESPACE, REQUEST, pack( 'x4' ) . attribute( NETNSA_FD, pack 'L', fileno $namespace ) );
        my $number = attributes( substr $found, 4 )->{ +NETNSA_NSID } || die "its network has no number\n";
        my ($port) = grep { ( $_->{ +IFLA_LINK_NETNSID } || '' ) eq $number && $_->{ +IFLA_MASTER } eq pack 'L', $index } @joined;
        $port ? unpack 'Z*', $port->{ +IFLA_IFNAME } : '';
    };
    chdir '/';
    return $name || '';
}

sub links {
    my ( $kernel, $flags, $type, $value ) = @_;
    return map { { index => unpack( 'x4 l', $_ ), %{ attributes( substr $_, 16 ) } } }
      ask( $kernel, GET_LINK, $flags, pack( 'x16' ) . attribute( $type, $value ) );
}

# What the kernel answers, without the heads of its messages; dies where it refuses.
sub ask {
    my ( $kernel, $type, $flags, $body ) = @_;
    send $kernel, pack( 'L S S L L', 16 + length $body, $type, $flags, 1, 0 ) . $body, 0 or die "netlink: $!\n";
    my @answers;
    while (1) {
        defined recv( $kernel, my $messages, READ, 0 ) or die "netlink: $!\n";
        while ( length $messages ) {
            my ( $size, $kind, $how ) = unpack 'L S S', $messages;
            return @answers if $kind == DONE;
            die "the kernel refuses\n" if $kind == ERROR;
            push @answers, substr $messages, 16, $size - 16;
            return @answers if !( $how & MULTI );
            $messages = substr $messages, padded( $size, $messages );
        }
    }
}

sub attribute {
    my ( $type, $value ) = @_;
    return pack 'S S a* x![4]', 4 + length $value, $type, $value;
}

sub attributes {
    my ($bytes) = @_;
    my %found;
    while ( length $bytes > 4 ) {
        my ( $size, $type ) = unpack 'S S', $bytes;
        $found{ $type & 0x3fff } = substr $bytes, 4, $size - 4;
        $bytes = substr $bytes, padded( $size, $bytes );
    }
    return \%found;
}

sub padded {
    my ( $size, $bytes ) = @_;
    my $whole = ( $size + 3 ) & ~3;
    return $whole < length $bytes ? $whole : length $bytes;
}
