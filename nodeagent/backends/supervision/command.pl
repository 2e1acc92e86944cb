# What shim.pl and session.pl share: their orders, and how a process becomes the command of a run.
use strict;
use warnings;
use POSIX ();

my %numbers = ( x86_64 => { prctl => 157, gettimeofday => 96, memfd_create => 319 }, aarch64 => { prctl => 167, gettimeofday => 169, memfd_create => 279 } );

# The numbers of the system calls that perl has no name for; empty on other machines.
sub systemCalls { return $numbers{ ( POSIX::uname() )[4] } || {} }

# Orders are NUL-terminated `key=value` items, the last of which is `end=`. Returns them and what was read behind them. Ends the process when
# they are not whole: the agent died while it wrote.
sub readOrders {
    my ($from) = @_;
    my $text = "\0";
    my $end;
    until ( ( $end = index $text, "\0end=\0" ) >= 0 ) { sysread( $from, $text, 65536, length $text ) or exit 0 }
    my %orders = ( env => [], arg => [], cgroup => [] );
    for my $item ( split /\0/, substr $text, 1, $end - 1 ) {
        my ( $key, $value ) = split /=/, $item, 2;
        if   ( ref $orders{$key} ) { push @{ $orders{$key} }, $value }
        else                       { $orders{$key} = $value }
    }
    open STDIN, '<', '/dev/null' or die "cannot open /dev/null: $!\n" if $from == \*STDIN;
    return ( \%orders, substr $text, $end + length "\0end=\0" );
}

# Turns this process into the command: cgroups, user, directory, environment, exec. Returns only when it failed.
sub becomeCommand {
    my %order = %{ $_[0] };
    for my $file ( @{ $order{cgroup} } ) {
        writeTo( $file, $$ ) or return fail( 'StartFailed', "cannot join $file: $!" );
    }
    writeTo( "/proc/$$/oom_score_adj", 0 );
    if ( defined $order{uid} ) {
        my $id = $order{uid};
        $) = "$id $id";
        POSIX::setgid($id);
        POSIX::setuid($id);
        return fail( 'StartFailed', "cannot become user $id: $!" ) if $< != $id || $> != $id || $( !~ /^$id( $id)*$/ || $) !~ /^$id( $id)*$/;
        my $prctl = systemCalls()->{prctl};
        syscall( $prctl, 38, 1, 0, 0, 0 ) if $prctl;    # PR_SET_NO_NEW_PRIVS: no way back through setuid programs
    }
    giveInput( $order{input} ) or return fail( 'StartFailed', "cannot keep the command's input: $!" ) if defined $order{input};
    chdir $order{cwd} or return fail( 'StartFailed', "cannot enter the directory $order{cwd}: $!" );
    umask 022;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE CHLD);
    %ENV = map { split /=/, $_, 2 } @{ $order{env} };
    no warnings 'exec';
    exec { $order{arg}[0] } @{ $order{arg} } or do {
        my $missing = $!{ENOENT};
        return fail( $missing ? 'CommandNotFound' : 'StartFailed', "cannot run $order{arg}[0]: $!" );
    };
}

# What the command reads on standard input, from memory: it may hold secrets, which go to no disk.
sub giveInput {
    my ($text) = @_;
    my $create = systemCalls()->{memfd_create} or return 0;
    my $name = 'input';
    my $descriptor = syscall( $create, $name, 0 );
    return 0 if $descriptor < 0;
    open( my $file, '+<&=', $descriptor ) or return 0;
    for ( my $at = 0 ; $at < length $text ; ) { $at += syswrite( $file, $text, length($text) - $at, $at ) || return 0 }
    sysseek( $file, 0, 0 );
    return POSIX::dup2( $descriptor, 0 ) ? 1 : 0;
}

# A failure goes to standard error, or with its reason into the given pipe; 126 or 127 is the answer, as a shell has it.
my $failurePipe;
sub tellFailuresTo { ($failurePipe) = @_ }

sub fail {
    my ( $reason, $message ) = @_;
    syswrite( $failurePipe || \*STDERR, $failurePipe ? "$reason $message" : "$message\n" );
    POSIX::_exit( $reason eq 'CommandNotFound' ? 127 : 126 );
}

sub writeTo {
    my ( $path, $text ) = @_;
    open( my $file, '>', $path ) or return 0;
    return syswrite $file, "$text\n";
}

1;
