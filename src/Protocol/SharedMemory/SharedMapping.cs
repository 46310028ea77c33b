using System.IO.MemoryMappedFiles;

namespace DistNet.Protocol.SharedMemory;

/// <summary>A file that several processes of one machine map as memory.</summary>
/// <remarks>
/// <para>The mapping is counted: its owner has one use until <see cref="Dispose"/>, and every lease of a part has one. It is unmapped when the last use ends, so a
/// reader or writer that is late never touches memory that is gone. What is only reachable (a handle to the parameters, say) throws
/// <see cref="ObjectDisposedException"/> afterwards.</para>
/// <para>Memory that a full folder cannot give would kill the process at the first touch. So it is taken by writing zeros through the file, which
/// fails with an <see cref="IOException"/> instead: <see cref="Reserve"/> comes before the first touch of each part.</para>
/// <para>The name is taken away as soon as all who need it have opened the file: from then on nothing is left, however the processes die.</para>
/// </remarks>
public sealed unsafe class SharedMapping : IDisposable
{
    private static readonly byte[] Zeros = new byte[1 << 16];

    private readonly FileStream file;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* address;
    private int uses = 1;
    private int disposed;
    private int named;

    private SharedMapping(FileStream file, long offset, long bytes, bool writable, bool named)
    {
        this.file = file;
        this.named = named ? 1 : 0;
        Bytes = bytes;
        MemoryMappedFileAccess access = writable ? MemoryMappedFileAccess.ReadWrite : MemoryMappedFileAccess.Read;
        using var mapped = MemoryMappedFile.CreateFromFile(file.SafeFileHandle, mapName: null, capacity: 0, access, HandleInheritability.None, leaveOpen: true);
        view = mapped.CreateViewAccessor(offset, bytes, access);
        address = (byte*)view.SafeMemoryMappedViewHandle.DangerousGetHandle() + view.PointerOffset;
        if (!writable || offset > 0)
        {
            // Who takes no memory (Reserve) keeps the mapping, not the file: whether its maker lives can then be told by who has it open.
            file.Dispose();
        }
    }

    /// <summary>The mapping's length.</summary>
    public long Bytes { get; }

    /// <summary>Whether some use is left.</summary>
    public bool IsMapped => Volatile.Read(ref uses) > 0;

    /// <summary>Makes a file that only this user may open, and maps it. Its content is zeros.</summary>
    /// <param name="path">Where; nothing may be there.</param>
    /// <param name="bytes">Its length; at least 1.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static SharedMapping Create(string path, long bytes)
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        FileStream file = new(path, options);
        try
        {
            file.SetLength(bytes);
            return new SharedMapping(file, 0, bytes, writable: true, named: true);
        }
        catch (Exception refused)
        {
            file.Dispose();
            File.Delete(path);
            throw refused is IOException or UnauthorizedAccessException ? refused : new IOException(WriteFailure.Words(refused), refused);
        }
    }

    /// <summary>Opens and maps a file that another process made.</summary>
    /// <param name="path">Where.</param>
    /// <param name="bytes">The length it must have.</param>
    /// <param name="writable">Whether it will be written to.</param>
    /// <param name="offset">What is mapped begins here, and ends with the file; a multiple of 4096. No memory can be taken for such a part.</param>
    /// <exception cref="IOException">It is not there, or is not what it must be: a regular file of this user and of that length, not a link.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public static SharedMapping Open(string path, long bytes, bool writable, long offset = 0)
    {
        FileIdentity? named = Named(path);
        FileStream file = new(path, FileMode.Open, writable ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        try
        {
            if (named is not null && FileIdentity.Of(file.SafeFileHandle) != named)
            {
                throw new IOException("it was replaced while it was opened");
            }

            if (file.Length != bytes)
            {
                throw new IOException($"it has {file.Length} bytes where {bytes} were expected");
            }

            return new SharedMapping(file, offset, bytes - offset, writable, named: false);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Takes the memory of a part, so that touching it cannot fail. Its content becomes zeros.</summary>
    /// <exception cref="IOException">The folder is full.</exception>
    public void Reserve(long offset, long length)
    {
        // Asked first: it would be a pity to take the machine's last memory only to find that it is not enough.
        long free = new DriveInfo(Path.GetDirectoryName(file.Name)!).AvailableFreeSpace;
        if (length > free)
        {
            throw new IOException($"{length} bytes are needed and {free} are free");
        }

        for (long done = 0; done < length; done += Zeros.Length)
        {
            RandomAccess.Write(file.SafeFileHandle, Zeros.AsSpan(0, (int)Math.Min(Zeros.Length, length - done)), offset + done);
        }
    }

    /// <summary>Takes the file's name away; who has it open keeps it. Done by its maker, once; harmless when it is gone already.</summary>
    public void Unlink()
    {
        if (Interlocked.Exchange(ref named, 0) == 1)
        {
            try
            {
                File.Delete(file.Name);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                // Where a mapped file cannot be deleted (Windows), it is tried again when it is no longer mapped.
                Volatile.Write(ref named, 1);
            }
        }
    }

    /// <summary>A part as memory that can be kept.</summary>
    public Memory<T> Memory<T>(long offset, int length)
        where T : unmanaged
    {
        Invariant.Holds(offset >= 0 && length >= 0 && offset <= Bytes - ((long)length * sizeof(T)));
        return new MappedMemory<T>(this, offset, length).Memory;
    }

    /// <summary>One number of the header, for operations that other processes see whole and in order.</summary>
    /// <param name="offset">A multiple of 8.</param>
    public ref long Word(long offset) => ref *(long*)Address(offset, sizeof(long));

    /// <summary>Keeps the mapping until <see cref="EndUse"/>.</summary>
    /// <returns>False: it is given up already.</returns>
    public bool TryUse()
    {
        int seen = Volatile.Read(ref uses);
        while (seen > 0)
        {
            int before = Interlocked.CompareExchange(ref uses, seen + 1, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }

    /// <summary>Ends one use; the last one unmaps.</summary>
    public void EndUse()
    {
        if (Interlocked.Decrement(ref uses) == 0)
        {
            view.Dispose();
            file.Dispose();
            Unlink();
        }
    }

    /// <summary>Ends the owner's use and takes the name away. Parts that are leased stay until they are returned.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0)
        {
            Unlink();
            EndUse();
        }
    }

    internal void* Address(long offset, long length)
    {
        ObjectDisposedException.ThrowIf(!IsMapped, this);
        Invariant.Holds(offset >= 0 && length >= 0 && offset <= Bytes - length);
        return address + offset;
    }

    private static FileIdentity? Named(string path)
    {
        if (!FileIdentity.IsKnown)
        {
            return new FileInfo(path).LinkTarget is null ? null : throw new IOException("it is a symbolic link");
        }

        FileIdentity named = FileIdentity.Of(path);
        if (!named.IsRegular)
        {
            throw new IOException("it is not a regular file");
        }

        return named.Owner == FileIdentity.CurrentUser ? named : throw new IOException("it belongs to another user");
    }
}
