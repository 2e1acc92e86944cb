#!/usr/bin/perl
# One of these stands over every command that somebody runs inside of a run (exec). It gives the command real pipes or a terminal, passes bytes
# at the pace of whoever reads them, and ends with the command's exit code, or with 128 and the number of the signal that ended it.
#
# Its one rule: nobody there, nobody served. File 3 brings the orders and afterwards lines of `size ROWS COLUMNS`; when it closes (the client
# went away, the agent died), the command is told to end with SIGHUP, and is killed when it is still there after the grace.
use strict;
use warnings;
use Fcntl qw(O_RDWR O_NOCTTY F_GETFL F_SETFL O_NONBLOCK);
use POSIX ();

my $chunkBytes = 65536;
my %ioctl = ( lock => 0x40045431, number => 0x80045430, size => 0x5414, control => 0x540E );    # TIOCSPTLCK, TIOCGPTN, TIOCSWINSZ, TIOCSCTTY

my ($folder) = $0 =~ m{^(.*)/};
require "$folder/../supervision/command.pl";
open( my $control, '<&=', 3 ) or die "file 3 is not there: $!\n";
my ( $order, $said ) = readOrders($control);
$0 = "millrace-session $order->{label}";

$SIG{$_} = 'IGNORE' for qw(INT TERM HUP PIPE);
pipe( my $woken, my $wake ) or die "pipe: $!\n";
$SIG{CHLD} = sub { syswrite $wake, '1' };

my ( $master, $child, @pumps ) = $order->{tty} ? startInTerminal() : startWithPipes();
unblock( $woken, $control, map { ( $_->{from}, $_->{to} ) } @pumps );
my ( $status, $deadline );
resize();
while (1) {
    if ( !defined $status && waitpid( $child, POSIX::WNOHANG() ) == $child ) {
        $status = $?;
        # What its pipes hold now is the rest, whoever has them open besides.
        @pumps = grep { $_->{out} } @pumps;
        $_->{left} = $chunkBytes for @pumps;
    }
    last if defined $status && !@pumps;
    kill 'KILL', -$child if defined $deadline && time >= $deadline;
    my ( $reads, $writes ) = ( '', '' );
    vec( $reads, fileno $_, 1 ) = 1 for $woken, grep { defined } $control;
    vec( $_->{held} eq '' ? $reads : $writes, fileno( $_->{held} eq '' ? $_->{from} : $_->{to} ), 1 ) = 1 for @pumps;
    my $isIdleEnd = defined $status && !grep { $_->{held} ne '' } @pumps;
    my $ready = select( $reads, $writes, undef, $isIdleEnd ? 0.02 : defined $deadline ? 0.2 : undef );
    if ( $ready <= 0 ) { @pumps = () if $isIdleEnd; next }
    sysread( $woken, my $bytes, 64 ) if vec( $reads, fileno $woken, 1 );
    heed() if defined $control && vec( $reads, fileno $control, 1 );
    @pumps = grep { pump( $_, $reads, $writes ) } @pumps;
    @pumps = grep { $_->{out} && !$master } @pumps if defined $deadline;
}
exit( $status & 127 ? 128 + ( $status & 127 ) : $status >> 8 );

sub startWithPipes {
    my ( $in, $inEnd );
    if   ( $order->{stdin} ) { pipe( $in, $inEnd ) or die "pipe: $!\n" }
    else                     { open( $in, '<', '/dev/null' ) or die "cannot open /dev/null: $!\n" }
    pipe( my $out, my $outEnd ) or die "pipe: $!\n";
    pipe( my $err, my $errEnd ) or die "pipe: $!\n";
    # Programs open /dev/stdout anew: then the owner of the pipe counts.
    if ( defined $order->{uid} ) { chown $order->{uid}, $order->{uid}, $_ for grep { -p $_ } $in, $outEnd, $errEnd }
    my $child = forkCommand( sub { POSIX::setsid(); POSIX::dup2( fileno $in, 0 ); POSIX::dup2( fileno $outEnd, 1 ); POSIX::dup2( fileno $errEnd, 2 ) } );
    close $_ for $in, $outEnd, $errEnd;
    return ( undef, $child, ( $inEnd ? newPump( \*STDIN, $inEnd ) : () ), newPump( $out, \*STDOUT, 1 ), newPump( $err, \*STDERR, 1 ) );
}

sub startInTerminal {
    sysopen( my $terminal, '/dev/ptmx', O_RDWR | O_NOCTTY ) or refuse("no terminal can be had: /dev/ptmx: $!");
    my ( $unlocked, $number ) = ( pack( 'i', 0 ), pack( 'i', 0 ) );
    ioctl( $terminal, $ioctl{lock}, $unlocked ) && ioctl( $terminal, $ioctl{number}, $number ) or refuse("no terminal can be had: $!");
    my $path = '/dev/pts/' . unpack 'i', $number;
    my $size = pack 'S4', 24, 80, 0, 0;    # until the client says its own
    ioctl( $terminal, $ioctl{size}, $size );
    sysopen( my $line, $path, O_RDWR | O_NOCTTY ) or refuse("no terminal can be had: $path: $!");
    chown $order->{uid}, -1, $path if defined $order->{uid};
    my $child = forkCommand(
        sub {
            POSIX::setsid();
            my $no = 0;
            ioctl( $line, $ioctl{control}, $no ) or fail( 'StartFailed', "the terminal cannot be had: $!" );
            POSIX::dup2( fileno $line, $_ ) for 0 .. 2;
        }
    );
    close $line;
    my $input = newPump( \*STDIN, $terminal );
    $input->{last} = "\4";    # what a terminal has for the end of a file
    return ( $terminal, $child, ( $order->{stdin} ? $input : () ), newPump( $terminal, \*STDOUT, 1 ) );
}

sub forkCommand {
    my ($arrange) = @_;
    my $child = fork();
    refuse("no process can be had: $!") if !defined $child;
    return $child if $child;
    $SIG{CHLD} = 'DEFAULT';
    close $control;
    $arrange->();
    becomeCommand($order);
}

sub refuse { syswrite $order->{tty} ? \*STDOUT : \*STDERR, "$_[0]\n"; POSIX::_exit(126) }

# out: whether its bytes come from the command.
sub newPump {
    my ( $from, $to, $out ) = @_;
    return { from => $from, to => $to, out => $out, held => '', last => '', left => undef };
}

# Moves what can be moved; false when nothing more will come.
sub pump {
    my ( $pump, $reads, $writes ) = @_;
    if ( $pump->{held} eq '' ) {
        return 1 if !vec( $reads, fileno $pump->{from}, 1 );
        my $count = sysread $pump->{from}, $pump->{held}, $pump->{left} || $chunkBytes;
        if ( !$count ) { return defined $count || !( $!{EAGAIN} || $!{EINTR} ) ? ended($pump) : 1 }
        $pump->{left} -= $count if defined $pump->{left};
    }
    elsif ( !vec( $writes, fileno $pump->{to}, 1 ) ) { return 1 }
    my $count = syswrite $pump->{to}, $pump->{held};
    if ( !defined $count ) {
        return 1 if $!{EAGAIN} || $!{EINTR};
        hangUp() if $pump->{out};
        return $pump->{out};
    }
    $pump->{held} = substr $pump->{held}, $count;
    return $pump->{held} ne '' || !defined $pump->{left} || $pump->{left} > 0;
}

# Its source has nothing more; a terminal is told so by a character.
sub ended {
    my ($pump) = @_;
    if ( $pump->{last} ne '' ) {
        ( $pump->{held}, $pump->{last} ) = ( $pump->{last}, '' );
        open( $pump->{from}, '<', '/dev/null' );
        return 1;
    }
    close $pump->{to} if !$pump->{out} && !$master;
    return 0;
}

sub heed {
    my $count = sysread $control, $said, 4096, length $said;
    return resize() if $count || ( !defined $count && ( $!{EAGAIN} || $!{EINTR} ) );
    hangUp();
}

sub resize {
    while ( $said =~ s/^([^\n]*)\n// ) {
        my ( $rows, $columns ) = $1 =~ /^size (\d{1,5}) (\d{1,5})$/ or next;
        my $size = pack 'S4', $rows, $columns, 0, 0;
        ioctl( $master, $ioctl{size}, $size ) if $master;
    }
}

sub hangUp {
    return if defined $deadline;
    $deadline = time + $order->{grace};
    undef $control;
    # What it still says goes nowhere, so that it can end as it wants to.
    open( my $nowhere, '>', '/dev/null' );
    for my $pump (@pumps) {
        if ( $pump->{out} ) { @$pump{ 'to', 'held' } = ( $nowhere, '' ) }
        else                { close $pump->{to} }
    }
    close $master if $master;
    kill( $_, -$child ) || kill( $_, $child ) for 'HUP', 'CONT';
}

sub unblock { fcntl( $_, F_SETFL, fcntl( $_, F_GETFL, 0 ) | O_NONBLOCK ) for @_ }
