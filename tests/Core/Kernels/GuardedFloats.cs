using System.Runtime.InteropServices;

namespace DistNet.Tests.Kernels;

/// <summary>Floats that end where a page without access begins: who reads or writes one beyond the last ends the process.</summary>
internal sealed unsafe partial class GuardedFloats : IDisposable
{
    private const int NoAccess = 0, ReadAndWrite = 3, PrivateAndAnonymous = 0x22;

    private readonly nint start;
    private readonly nuint length;
    private readonly int count;

    public GuardedFloats(ReadOnlySpan<float> values)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        nuint room = (((nuint)values.Length * sizeof(float)) + page - 1) / page * page;
        length = room + page;
        count = values.Length;
        start = Map(0, length, ReadAndWrite, PrivateAndAnonymous, -1, 0);
        if (start == -1 || Protect(start + (nint)room, page, NoAccess) != 0)
        {
            throw new InvalidOperationException("No memory with a guarded page.");
        }

        values.CopyTo(Span);
    }

    /// <summary>The floats.</summary>
    public Span<float> Span => new((void*)(start + (nint)length - Environment.SystemPageSize - ((nint)count * sizeof(float))), count);

    public static implicit operator Span<float>(GuardedFloats floats) => floats.Span;

    public static implicit operator ReadOnlySpan<float>(GuardedFloats floats) => floats.Span;

    public void Dispose() => _ = Unmap(start, length);

    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Map(nint at, nuint length, int access, int kind, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Protect(nint at, nuint length, int access);

    [LibraryImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unmap(nint at, nuint length);
}
