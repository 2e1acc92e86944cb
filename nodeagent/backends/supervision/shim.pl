#!/usr/bin/perl
# One of these stands over every run of the process backend, and outlives the agent that started it. It starts the command, pumps what the
# command writes into log files, waits, ends everything that the command left behind, and writes down how it ended.
#
# Its one rule: a run starts at most once, whoever starts shims and dies when. The file PREFIX.started is made with link(2) while the command
# still waits in front of exec: the shim that makes it lets its command go, every other shim ends without a word.
#
# It reads its orders from standard input as NUL-terminated `key=value` items, the last of which is `end=`; with fewer it does nothing. It
# says `started` on standard output, or why not, and closes it. Nothing here needs more than perl-base; see docs/decisions/0070.
use strict;
use warnings;
use Fcntl qw(O_RDONLY O_WRONLY O_CREAT O_EXCL O_APPEND F_GETFL F_SETFL O_NONBLOCK);
use IO::Handle ();
use POSIX ();

my $longestLine   = 16 * 1024;    # longer lines are written in pieces
my $longestReport = 4096;         # more of what a command reports is not kept
my $reportFile    = 20;           # the file by which a command reports, where it may
my $idleFlush     = 0.5;          # seconds after which a line without its end is shown

my ($folder) = $0 =~ m{^(.*)/};
require "$folder/command.pl";

my $calls = systemCalls();
my ($orders) = readOrders( \*STDIN );
my %order = %$orders;
$order{mode} eq 'exec' ? becomeCommand( \%order ) : superviseRun();

sub superviseRun {
    my $prefix = $order{prefix};
    open( my $runFile, '<', "$prefix.run" ) or exit 0;    # removed before we came
    my $runInode = ( stat $runFile )[1];
    POSIX::setsid();
    chdir '/';
    $0 = "millrace-shim $order{label}";
    my $ending = 0;
    $SIG{TERM} = sub { $ending = 1 };
    $SIG{CHLD} = sub { };                                 # only so that select wakes
    $SIG{$_} = 'IGNORE' for qw(INT HUP PIPE);
    syscall( $calls->{prctl}, 36, 1, 0, 0, 0 ) if $calls->{prctl};    # PR_SET_CHILD_SUBREAPER: orphans come to us, not to init
    writeTo( "/proc/$$/oom_score_adj", -999 );

    pipe( my $out,     my $outEnd )     or die "pipe: $!\n";
    pipe( my $err,     my $errEnd )     or die "pipe: $!\n";
    pipe( my $go,      my $goEnd )      or die "pipe: $!\n";
    pipe( my $failure, my $failureEnd ) or die "pipe: $!\n";
    pipe( my $report,  my $reportEnd )  or die "pipe: $!\n";
    # The command can be told to end from its first moment on: no signal falls to the handlers that it has from here.
    my $signals = POSIX::SigSet->new( POSIX::SIGTERM(), POSIX::SIGINT(), POSIX::SIGHUP() );
    my $mask = POSIX::SigSet->new();
    POSIX::sigprocmask( POSIX::SIG_BLOCK(), $signals, $mask );
    my $child = fork();
    die "fork: $!\n" if !defined $child;
    if ( $child == 0 ) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE CHLD);
        POSIX::sigprocmask( POSIX::SIG_SETMASK(), $mask );
        close $_ for $goEnd, $out, $err, $failure, $report, $runFile;
        POSIX::setsid();
        tellFailuresTo($failureEnd);
        sysread( $go, my $word, 1 ) or POSIX::_exit(0);    # not allowed to start
        POSIX::dup2( fileno($outEnd), 1 );
        POSIX::dup2( fileno($errEnd), 2 );
        POSIX::dup2( fileno($reportEnd), $reportFile ) if $order{report};
        becomeCommand( \%order );
    }
    POSIX::sigprocmask( POSIX::SIG_SETMASK(), $mask );
    close $_ for $go, $outEnd, $errEnd, $failureEnd, $reportEnd;

    my $started = sprintf "shim=%d %s\nchild=%d %s\nboot=%s\nat=%s\n", $$, startTime($$), $child, startTime($child), bootId(), nowMs();
    if ( !record( "$prefix.started", $started ) ) {
        exit 0 if $!{EEXIST};                              # another shim was first
        die "cannot write $prefix.started: $!\n";
    }
    if ( !defined( ( stat "$prefix.run" )[1] ) || ( stat _ )[1] != $runInode ) {
        unlink "$prefix.started";                          # removed while we were on the way
        exit 0;
    }
    syswrite $goEnd, '1';
    close $goEnd;
    print "started\n";
    close STDOUT;
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';

    my $log = LogFile->new( $order{log}, $order{maxBytes}, $order{maxFiles} );
    my @pumps = ( Pump->new( $out, 'stdout', $log ), Pump->new( $err, 'stderr', $log ) );
    my ( $status, $failureText, $reportText ) = ( undef, '', '' );
    my $failureOpen = 1;
    my $reportOpen  = 1;
    my $pidfd = syscall( 434, $child, 0 );                 # pidfd_open: readable once the command has ended; Linux 5.3
    my $longestWait = $pidfd >= 0 ? 10 : 0.1;
    while (1) {
        killDescendants() if $ending && !defined $status;
        while ( ( my $pid = waitpid( -1, POSIX::WNOHANG() ) ) > 0 ) { $status = $? if $pid == $child }
        last if defined $status;
        my $bits = '';
        vec( $bits, fileno( $_->{from} ), 1 ) = 1 for grep { $_->{open} } @pumps;
        vec( $bits, fileno($failure), 1 ) = 1 if $failureOpen;
        vec( $bits, fileno($report),  1 ) = 1 if $reportOpen;
        vec( $bits, $pidfd, 1 ) = 1 if $pidfd >= 0;
        my $held = grep { $_->{held} ne '' } @pumps;
        my $ready = select( $bits, undef, undef, $held && $idleFlush < $longestWait ? $idleFlush : $longestWait );
        if ( $ready <= 0 ) { $_->flush() for @pumps; next }
        if ( $failureOpen && vec( $bits, fileno($failure), 1 ) ) {
            sysread( $failure, $failureText, 4096, length $failureText ) or $failureOpen = 0;
        }
        if ( $reportOpen && vec( $bits, fileno($report), 1 ) ) { $reportOpen = readReport( $report, \$reportText ) }
        $_->pump() for grep { $_->{open} && vec( $bits, fileno( $_->{from} ), 1 ) } @pumps;
    }
    my $finished = nowMs();
    killDescendants() if waitpid( -1, POSIX::WNOHANG() ) >= 0;         # -1: there is none
    for my $pump (@pumps) {
        fcntl( $pump->{from}, F_SETFL, fcntl( $pump->{from}, F_GETFL, 0 ) | O_NONBLOCK );
        1 while $pump->{open} && $pump->pump();
        $pump->flush();
    }
    sysread( $failure, $failureText, 4096, length $failureText ) if $failureOpen;
    fcntl( $report, F_SETFL, fcntl( $report, F_GETFL, 0 ) | O_NONBLOCK );
    1 while $reportOpen && readReport( $report, \$reportText );
    s/[\r\n]+/ /g for $failureText, $reportText;
    my $exit = sprintf "code=%d\nsignal=%d\nat=%s\nfailure=%s\n", $status >> 8, $status & 127, $finished, $failureText;
    $exit .= "report=$reportText\n" if $order{report};
    # Without the file that was set aside, a full disk is waited for.
    until ( conclude( $prefix, $exit ) || record( "$prefix.exit", $exit ) || !-e "$prefix.run" ) { sleep 1 }
    exit 0;
}

# Reads once and keeps the beginning; false when there was nothing.
sub readReport {
    my ( $from, $text ) = @_;
    my $count = sysread( $from, my $chunk, 4096 ) or return 0;
    $$text = substr $$text . $chunk, 0, $longestReport;
    return $count;
}

# Ends every process below this one. Orphans were given to us, so nothing that the command started is anywhere else.
sub killDescendants {
    my $pause = 0.002;
    while (1) {
        my %parent;
        opendir( my $proc, '/proc' ) or return;
        for my $pid ( grep { /^\d+$/ } readdir $proc ) {
            my @stat = statOf($pid);
            $parent{$pid} = $stat[1] if @stat && $stat[0] ne 'Z';
        }
        my @found = ($$);
        for ( my $i = 0 ; $i < @found ; $i++ ) {
            my $above = $found[$i];
            push @found, grep { $parent{$_} == $above } keys %parent;
        }
        shift @found;
        return if !@found;
        kill 'KILL', @found;
        writeTo( $order{thaw}, 'THAWED' ) if defined $order{thaw};    # what is frozen does not die
        select undef, undef, undef, $pause;
        $pause *= 2 if $pause < 0.2;
    }
}

# state, parent and start time of a process: fields 3, 4 and 22, counted behind the name, which may hold anything.
sub statOf {
    open( my $file, '<', "/proc/$_[0]/stat" ) or return;
    my $text = do { local $/; <$file> };
    return if !defined $text || $text !~ /^.*\) (.*)/s;
    my @fields = split ' ', $1;
    return @fields[ 0, 1, 19 ];
}
sub startTime { my @stat = statOf( $_[0] ); return $stat[2] || 0 }

sub bootId {
    open( my $file, '<', '/proc/sys/kernel/random/boot_id' ) or return '';
    chomp( my $id = <$file> );
    return $id;
}

# Writes a file that is either absent or whole, and on the disk; false when it was there before.
sub record {
    my ( $path, $text ) = @_;
    my $temporary = "$path.$$";
    unlink $temporary;
    sysopen( my $file, $temporary, O_WRONLY | O_CREAT | O_EXCL, 0600 ) or return 0;
    my $made = ( syswrite( $file, $text ) || 0 ) == length $text && $file->sync() && link( $temporary, $path );
    my $error = $!;
    unlink $temporary;
    syncFolder($path) if $made;
    $! = $error;
    return $made;
}

# Writes how the run ended into the file that was set aside for it, which takes no room, and gives it its name; false where there is none.
sub conclude {
    my ( $prefix, $text ) = @_;
    sysopen( my $file, "$prefix.ending", O_WRONLY ) or return 0;
    return 0 if ( syswrite( $file, $text ) || 0 ) != length $text || !$file->sync() || !rename( "$prefix.ending", "$prefix.exit" );
    syncFolder($prefix);
    return 1;
}

sub syncFolder {
    my ($folder) = $_[0] =~ m{^(.*)/};
    if ( sysopen( my $directory, $folder, O_RDONLY ) ) { $directory->sync() }
}

sub now {
    return ( time, 0 ) if !$calls->{gettimeofday};
    my $buffer = pack 'q2', 0, 0;
    syscall( $calls->{gettimeofday}, $buffer, 0 );
    return unpack 'q2', $buffer;
}
sub nowMs { my ( $seconds, $micros ) = now(); return sprintf '%d', $seconds * 1000 + $micros / 1000 }

# Log files: lines of `TIME STREAM TAG TEXT`, as the container runtimes of Kubernetes write them; TAG is F for a whole line, P for a piece.
# A file that has grown past its limit is renamed to FILE.1, that to FILE.2, and so on.
package LogFile;

sub new {
    my ( $class, $path, $maxBytes, $maxFiles ) = @_;
    my $self = bless { path => $path, maxBytes => $maxBytes, maxFiles => $maxFiles }, $class;
    $self->open();
    return $self;
}

sub open {
    my ($self) = @_;
    sysopen( $self->{file}, $self->{path}, Fcntl::O_WRONLY() | Fcntl::O_CREAT() | Fcntl::O_APPEND(), 0600 ) or $self->{file} = undef;
    $self->{size} = $self->{file} ? -s $self->{file} : 0;
}

sub write {
    my ( $self, $text ) = @_;
    if ( $self->{size} > 0 && $self->{size} + length $text > $self->{maxBytes} ) {
        rename "$self->{path}.$_", "$self->{path}." . ( $_ + 1 ) for reverse 1 .. $self->{maxFiles} - 2;
        $self->{maxFiles} > 1 ? rename( $self->{path}, "$self->{path}.1" ) : unlink( $self->{path} );
        close $self->{file} if $self->{file};
        $self->open();
    }
    $self->open() if !$self->{file};
    return if !$self->{file};    # a full disk costs log lines, never the workload
    $self->{size} += syswrite( $self->{file}, $text ) || 0;
}

package Pump;

sub new {
    my ( $class, $from, $stream, $log ) = @_;
    return bless { from => $from, stream => $stream, log => $log, open => 1, held => '' }, $class;
}

# Reads once; false when there was nothing.
sub pump {
    my ($self) = @_;
    my $chunk = '';
    my $count = sysread( $self->{from}, $chunk, 65536 );
    if ( !$count ) {
        $self->{open} = 0 if defined $count || !( $!{EAGAIN} || $!{EINTR} );
        return 0;
    }
    my $text = $self->{held} . $chunk;
    my $stamp = stamp();
    my $lines = '';
    my $start = 0;
    while ( ( my $end = index( $text, "\n", $start ) ) >= 0 ) {
        $lines .= $self->pieces( $stamp, substr( $text, $start, $end - $start ), 'F' );
        $start = $end + 1;
    }
    $self->{held} = substr $text, $start;
    if ( length $self->{held} >= $longestLine ) {
        $lines .= $self->pieces( $stamp, $self->{held}, 'P' );
        $self->{held} = '';
    }
    $self->{log}->write($lines) if $lines ne '';
    return 1;
}

# Writes the beginning of a line whose end has not come.
sub flush {
    my ($self) = @_;
    return if $self->{held} eq '';
    $self->{log}->write( $self->pieces( stamp(), $self->{held}, 'P' ) );
    $self->{held} = '';
}

sub pieces {
    my ( $self, $stamp, $text, $tag ) = @_;
    my $lines = '';
    while ( length $text > $longestLine ) { $lines .= "$stamp $self->{stream} P " . substr( $text, 0, $longestLine, '' ) . "\n" }
    return "$lines$stamp $self->{stream} $tag $text\n";
}

sub stamp {
    my ( $seconds, $micros ) = main::now();
    return POSIX::strftime( '%Y-%m-%dT%H:%M:%S', gmtime $seconds ) . sprintf( '.%06d000Z', $micros );
}
