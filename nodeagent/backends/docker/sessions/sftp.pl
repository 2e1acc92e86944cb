#!/usr/bin/perl
# Serves the files of a container as SFTP, version 3 (draft-ietf-secsh-filexfer-02): sftp.pl PID CONTAINER. Its root becomes that of PID, the first process of
# the container, so that every path, link and mount means what it means inside, and nothing outside can be named; its user, groups and capabilities become those
# of PID, so that it may do what a command in the container may. (A filter of system calls cannot be copied: it stays without one, and makes the calls below
# alone.) Says a line (`connected`, or why not), then packets on its input and output, until its input ends or the container has.
#
# Inside, people may be root and make devices, which control groups keep them from opening, and which would open for this process. So a file is looked at
# by a handle that opens nothing (O_PATH), and only a plain one is opened, by way of that handle: what stands at its path in the meantime does not matter.
use strict;
use warnings;
use Errno qw(ENOENT EACCES EPERM EEXIST);
use Fcntl qw(:DEFAULT :mode SEEK_SET);
use POSIX ();
use constant { O_PATH => 0x200000, MAX_PACKET => 300_000, MAX_READ => 65_536, MAX_PATH => 4096, MAX_HANDLES => 256 };
require( __FILE__ =~ s{[^/]*$}{inside.pl}r );

my ( $pid, $container ) = @ARGV;
my $openat = { x86_64 => 257, aarch64 => 56 }->{ ( POSIX::uname() )[4] } or refuse('this machine has no known call openat');
sysopen( my $own, '/proc/self/fd', O_RDONLY ) or refuse("/proc cannot be read: $!");
my $loaded = "$!$!{ENOENT}";    # what errors are named by, while it can be found
my $life   = eval { enter() } or refuse( $@ =~ s/\n//r );
my $home   = home_of($>);
umask 022;
$SIG{PIPE} = 'IGNORE';
syswrite STDOUT, "connected\n";

my ( %handles, $next );
my %serve = (
    3  => \&serve_open,
    4  => sub { my ($handle) = @_; delete $handles{$handle} ? status(0) : status(4) },
    5  => \&serve_read,
    6  => \&serve_write,
    7  => sub { attributes( lstat $_[0] ) },
    8  => sub { my $file = file( $_[0] ) or return status(4); attributes( stat $file ) },
    9  => sub { my ( $path, @rest ) = @_; change( $path, @rest ) },
    10 => sub { my ( $handle, @rest ) = @_; my $file = file($handle) or return status(4); change( $file, @rest ) },
    11 => \&serve_opendir,
    12 => \&serve_readdir,
    13 => sub { done( unlink $_[0] ) },
    14 => sub { my ( $path, $set ) = @_; done( mkdir $path, defined $set->{mode} ? $set->{mode} & 07777 : 0777 ) },
    15 => sub { done( rmdir $_[0] ) },
    16 => sub { my $real = real( $_[0] ); defined $real ? name($real) : status( 4, 'the path is too long' ) },
    17 => sub { attributes( stat $_[0] ) },
    18 => sub { my ( $from, $to ) = @_; lstat $to ? status( 4, 'it is there already' ) : done( rename $from, $to ) },
    19 => sub { my $to = readlink $_[0]; defined $to ? name($to) : failed() },
    # As every server does, and against the draft: what is linked to comes first.
    20  => sub { my ( $to, $link ) = @_; done( symlink $to, $link ) },
    200 => \&serve_extended,
);
my %takes = (
    3  => [qw(path number attributes)],
    4  => ['text'],
    5  => [qw(text offset number)],
    6  => [qw(text offset text)],
    7  => ['path'],
    8  => ['text'],
    9  => [qw(path attributes)],
    10 => [qw(text attributes)],
    11 => ['path'],
    12 => ['text'],
    13 => ['path'],
    14 => [qw(path attributes)],
    15 => ['path'],
    16 => ['text'],
    17 => ['path'],
    18 => [qw(path path)],
    19 => ['path'],
    20 => [qw(text path)],
);

while ( defined( my $length = take(4) ) ) {
    my $size = unpack 'N', $length;
    exit 1 if $size < 1 || $size > MAX_PACKET;
    my $packet = take($size);
    exit 1 if !defined $packet;
    my $type = unpack 'C', $packet;
    if ( $type == 1 ) {
        send_packet( 2, pack( 'N', 3 ), map { text($_) } 'posix-rename@openssh.com', '1', 'hardlink@openssh.com', '1', 'fsync@openssh.com', '1' );
        next;
    }
    our $id = substr $packet, 1, 4;
    our $rest = substr $packet, 5;
    my @values = eval { map { parse($_) } @{ $takes{$type} || [] } };
    if    ($@)                 { status( 5, 'the request is cut short' ) }
    elsif ( !$serve{$type} )   { status(8) }
    else                       { $serve{$type}->(@values) }
}
exit 0;

# Requests.

sub serve_open {
    my ( $path, $wants, $set ) = @_;
    return status( 4, 'too many files are open' ) if keys %handles >= MAX_HANDLES;
    my $flags = ( $wants & 3 ) == 3 ? O_RDWR : $wants & 2 ? O_WRONLY : O_RDONLY;
    # A new file is made by its name; one that is there, of whatever sort, is never opened by it.
    if ( $wants & 8 ) {
        my $mode = defined $set->{mode} ? $set->{mode} & 07777 : 0666;
        my $made = sysopen my $file, $path, $flags | O_CREAT | O_EXCL | O_NOFOLLOW, $mode;
        return handle( $file, $wants & 4 ) if $made;
        return failed() if !$!{EEXIST} || $wants & 32;
    }
    my $file = open_plain( $path, $flags ) or return;
    truncate( $file, 0 ) or return failed() if $wants & 16;
    return handle( $file, $wants & 4 );
}

# Opens what is there, if it is a plain file; else answers why not.
sub open_plain {
    my ( $path, $flags ) = @_;
    my ( $file, $why ) = plain( $path, $flags );
    if ( !$file ) { $why ? status( 4, $why ) : failed() }
    return $file;
}

# The file, or nothing and why not, or nothing and the error of the system.
sub plain {
    my ( $path, $flags ) = @_;
    sysopen( my $seen, $path, O_PATH ) or return;
    my @found = stat $seen;
    return ( undef, 'it is no plain file' ) if !S_ISREG( $found[2] );
    my $name = fileno($seen) . "\0";
    my $descriptor = syscall( $openat, fileno $own, $name, $flags );
    return if $descriptor < 0;
    open( my $file, '+<&=', $descriptor ) or return;
    return $file;
}

sub handle {
    my ( $file, $appends ) = @_;
    my $handle = 'f' . ++$next;
    $handles{$handle} = { file => $file, appends => $appends };
    return send_packet( 102, our $id, text($handle) );
}

sub serve_read {
    my ( $handle, $offset, $length ) = @_;
    my $file = file($handle) or return status(4);
    defined sysseek( $file, $offset, SEEK_SET ) or return failed();
    my $count = sysread $file, my $bytes, $length < MAX_READ ? $length : MAX_READ;
    return failed() if !defined $count;
    return $count == 0 ? status(1) : send_packet( 103, our $id, text($bytes) );
}

sub serve_write {
    my ( $handle, $offset, $bytes ) = @_;
    my $file = file($handle) or return status(4);
    defined sysseek( $file, $handles{$handle}{appends} ? -s $file : $offset, SEEK_SET ) or return failed();
    while ( length $bytes ) {
        my $count = syswrite $file, $bytes;
        return failed() if !defined $count;
        $bytes = substr $bytes, $count;
    }
    return status(0);
}

sub serve_opendir {
    my ($path) = @_;
    return status( 4, 'too many files are open' ) if keys %handles >= MAX_HANDLES;
    opendir( my $folder, $path ) or return failed();
    my $handle = 'd' . ++$next;
    $handles{$handle} = { folder => $folder, path => $path };
    return send_packet( 102, our $id, text($handle) );
}

sub serve_readdir {
    my ($handle) = @_;
    my $open = $handles{$handle};
    return status(4) if !$open || !$open->{folder};
    my @entries;
    while ( @entries < 100 && defined( my $name = readdir $open->{folder} ) ) {
        my @found = lstat "$open->{path}/$name" or next;
        push @entries, text($name) . text( line( $name, @found ) ) . packed(@found);
    }
    return @entries ? send_packet( 104, our $id, pack( 'N', scalar @entries ), @entries ) : status(1);
}

sub serve_extended {
    my ( $what, @values ) = eval { my $name = parse('text'); ( $name, map { parse($_) } $name =~ /^fsync/ ? 'text' : ( 'path', 'path' ) ) };
    return status(8) if !defined $what || $@;
    return done( rename $values[0], $values[1] ) if $what eq 'posix-rename@openssh.com';
    return done( link $values[0], $values[1] )   if $what eq 'hardlink@openssh.com';
    if ( $what eq 'fsync@openssh.com' ) {
        my $file = file( $values[0] ) or return status(4);
        return done( $file->can('sync') ? $file->sync : 1 );
    }
    return status(8);
}

# Sets what the attributes name; `$to` is a path or a file. Answers.
sub change {
    my ( $to, $set ) = @_;
    if ( defined $set->{size} ) {
        my $file = ref $to ? $to : open_plain( $to, O_WRONLY );
        return if !$file;
        truncate( $file, $set->{size} ) or return failed();
    }
    if ( defined $set->{uid} )   { chown( $set->{uid}, $set->{gid}, $to ) or return failed() }
    if ( defined $set->{mode} )  { chmod( $set->{mode} & 07777, $to )     or return failed() }
    if ( defined $set->{mtime} ) { utime( $set->{atime}, $set->{mtime}, $to ) or return failed() }
    return status(0);
}

sub file { my ($handle) = @_; return $handles{$handle} && $handles{$handle}{file} }

# An absolute path without `.`, `..` and links, as far as it exists; undefined for one that is longer than the system takes, which would take its time.
sub real {
    my ($path) = @_;
    return if length $path > MAX_PATH;
    my @parts = grep { $_ ne '' && $_ ne '.' } split m{/}, $path =~ m{^/} ? $path : "$home/$path";
    my ( $real, $links ) = ( '', 0 );
    while (@parts) {
        my $part = shift @parts;
        if ( $part eq '..' ) { $real =~ s{/[^/]*$}{}; next }
        my $to = readlink "$real/$part";
        if ( defined $to && ++$links < 40 ) {
            $real = '' if $to =~ m{^/};
            unshift @parts, grep { $_ ne '' && $_ ne '.' } split m{/}, $to;
        }
        else { $real .= "/$part" }
    }
    return $real eq '' ? '/' : $real;
}

# Answers.

sub status {
    my ( $code, $words ) = @_;
    $words = ( 'done', 'the end', 'there is no such file', 'not permitted', 'it failed', 'the packet is wrong' )[$code] || 'not supported' if !defined $words;
    return send_packet( 101, our $id, pack( 'N', $code ), text($words), text('en') );
}
sub done   { my ($ok) = @_; return $ok ? status(0) : failed() }
sub failed { return $!{ENOENT} ? status(2) : $!{EACCES} || $!{EPERM} ? status(3) : status( 4, "$!" ) }
sub name   { my ($name) = @_; return send_packet( 104, our $id, pack( 'N', 1 ), text($name), text($name), pack( 'N', 0 ) ) }
sub attributes { return @_ ? send_packet( 105, our $id, packed(@_) ) : failed() }

# Size, owner, mode and times, of what stat says.
sub packed {
    my @found = @_;
    return pack 'N Q> N N N N N', 15, $found[7], $found[4], $found[5], $found[2], $found[8] & 0xffffffff, $found[9] & 0xffffffff;
}

# As `ls -l` would have it.
sub line {
    my ( $name, @found ) = @_;
    my $sort = S_ISDIR( $found[2] ) ? 'd' : S_ISLNK( $found[2] ) ? 'l' : S_ISREG( $found[2] ) ? '-' : S_ISCHR( $found[2] ) ? 'c' : '?';
    my $bits = join '', map { ( $found[2] & ( 1 << $_ ) ) ? ( 'x', 'w', 'r' )[ $_ % 3 ] : '-' } reverse 0 .. 8;
    my $time = POSIX::strftime( '%b %e %H:%M', gmtime( $found[9] & 0xffffffff ) );
    return sprintf '%s%s %3d %-8d %-8d %8d %s %s', $sort, $bits, $found[3], $found[4], $found[5], $found[7], $time, $name;
}

# Bytes.

sub text { my ($bytes) = @_; return pack 'N/a*', $bytes }

sub send_packet {
    my ( $type, @parts ) = @_;
    my $body = join '', chr $type, @parts;
    my $bytes = pack 'N/a*', $body;
    while ( length $bytes ) {
        my $count = syswrite STDOUT, $bytes;
        exit 1 if !defined $count;
        $bytes = substr $bytes, $count;
    }
    return;
}

# So many bytes of the input; undefined at its end, and when the container has ended.
sub take {
    my ($size) = @_;
    my $bytes = '';
    while ( length $bytes < $size ) {
        vec( my $reads = '', 0, 1 ) = 1;
        my $is_there = select $reads, undef, undef, 1;
        return if has_ended($life);
        next if !$is_there;
        my $count = sysread STDIN, $bytes, $size - length $bytes, length $bytes;
        return if !$count;
    }
    return $bytes;
}

# The next value of the packet; dies when it is cut short.
sub parse {
    my ($sort) = @_;
    our $rest;
    my $cut = sub { my ($size) = @_; die "cut\n" if length $rest < $size; return substr $rest, 0, $size, '' };
    return unpack 'N',  $cut->(4) if $sort eq 'number';
    return unpack 'Q>', $cut->(8) if $sort eq 'offset';
    if ( $sort eq 'attributes' ) {
        my $flags = unpack 'N', $cut->(4);
        my %set;
        $set{size} = unpack 'Q>', $cut->(8) if $flags & 1;
        @set{qw(uid gid)} = unpack 'N N', $cut->(8) if $flags & 2;
        $set{mode} = unpack 'N', $cut->(4) if $flags & 4;
        @set{qw(atime mtime)} = unpack 'N N', $cut->(8) if $flags & 8;
        return \%set;
    }
    my $value = $cut->( unpack 'N', $cut->(4) );
    return $value if $sort eq 'text';
    die "no path\n" if $value =~ /\0/;
    return $value =~ m{^/} ? $value : "$home/$value";
}

sub enter {
    my $process = hold_process( $pid, $container );
    my $rights  = rights_of_process();
    sysopen my $root, 'root/.', O_RDONLY or die "its files are not there: $!\n";
    enter_namespaces(qw(net ipc uts));
    chdir($root) && chroot('.') && chdir('/') or die "its files cannot be entered: $!\n";
    take_rights($rights);
    return $process;
}

# Where relative paths begin, as the container's own list of users has it.
sub home_of {
    my ($uid) = @_;
    my ($users) = plain( '/etc/passwd', O_RDONLY );
    # Whoever is root inside makes it as long as they like, and what is held here is the node's memory.
    my $text = '';
    sysread $users, $text, MAX_READ if $users;
    for ( split /\n/, $text ) {
        my ( undef, undef, $id, undef, undef, $folder ) = split /:/;
        return $folder if defined $folder && $id eq $uid && $folder =~ m{^/} && -d $folder;
    }
    return '/';
}

sub refuse { syswrite STDOUT, "$_[0]\n"; exit 1 }
