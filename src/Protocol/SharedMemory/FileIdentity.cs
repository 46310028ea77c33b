using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DistNet.Protocol.SharedMemory;

/// <summary>What the system says a file is, beyond what .NET tells: its owner, its kind, and which file it is, whatever its name.</summary>
/// <remarks>Linux alone, through <c>statx</c>, whose answer has one layout on every processor. Elsewhere the folder and the file's mode must suffice.</remarks>
internal readonly partial record struct FileIdentity(uint Owner, ulong Node, ulong Device, bool IsRegular)
{
    private const int CurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const int EmptyPath = 0x1000;
    private const uint BasicStatistics = 0x7ff;
    private const int KindMask = 0xF000;
    private const int RegularKind = 0x8000;

    /// <summary>Whether the system can be asked.</summary>
    public static bool IsKnown => OperatingSystem.IsLinux();

    /// <summary>The user that this process acts as.</summary>
    public static uint CurrentUser => EffectiveUser();

    /// <summary>What a path names; a symbolic link is not followed.</summary>
    /// <exception cref="IOException">There is no such file, or it cannot be asked about.</exception>
    public static FileIdentity Of(string path) => Ask(CurrentFolder, path, NoFollow);

    /// <summary>What an open file is.</summary>
    /// <exception cref="IOException">It cannot be asked about.</exception>
    public static FileIdentity Of(SafeFileHandle file)
    {
        bool added = false;
        try
        {
            file.DangerousAddRef(ref added);
            return Ask((int)file.DangerousGetHandle(), "", EmptyPath);
        }
        finally
        {
            if (added)
            {
                file.DangerousRelease();
            }
        }
    }

    private static FileIdentity Ask(int folder, string path, int flags)
    {
        Span<byte> answer = stackalloc byte[256];
        answer.Clear();
        int result;
        try
        {
            result = Statx(folder, path, flags, BasicStatistics, ref MemoryMarshal.GetReference(answer));
        }
        catch (EntryPointNotFoundException missing)
        {
            throw new IOException("the system's library cannot tell whose a file is", missing);
        }

        if (result != 0)
        {
            throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        }

        // The order of struct statx: the owner at 20, mode at 28, inode at 32, the device's two halves at 136 and 140. All in the processor's order.
        int mode = MemoryMarshal.Read<ushort>(answer[28..]);
        ulong device = ((ulong)MemoryMarshal.Read<uint>(answer[136..]) << 32) | MemoryMarshal.Read<uint>(answer[140..]);
        return new FileIdentity(MemoryMarshal.Read<uint>(answer[20..]), MemoryMarshal.Read<ulong>(answer[32..]), device, (mode & KindMask) == RegularKind);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int folder, string path, int flags, uint mask, ref byte answer);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint EffectiveUser();
}
