using System.Net;
using DistNet.Coordinator.Plane;
using DistNet.Protocol.Plane;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.SharedMemory;

public sealed class ProbeTests
{
    [Fact]
    public void The_names_of_a_session_are_gone_once_both_ends_have_it()
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        Assert.Equal(2, memory.Files.Length);
        Assert.True(memory.TryOpen(session.Paths, out SharedWorkerPlane? worker, out Guid proof, out _));
        Assert.Same(session, session.Accept(proof));
        Assert.Equal([session.Paths.ParametersFile], memory.Files);
        worker!.Dispose();
        session.End();
        memory.Host.Dispose();
        Assert.Empty(memory.Files);
    }

    [Fact]
    public void Only_this_user_may_open_the_files()
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        foreach (string file in OperatingSystem.IsWindows() ? [] : memory.Files)
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(Path.Combine(memory.Folder, file)).UnixFileMode);
        }
    }

    [Fact]
    public void A_proof_that_does_not_stand_in_the_memory_does_not_hold()
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        Assert.True(memory.TryOpen(session.Paths, out SharedWorkerPlane? worker, out Guid proof, out _));
        Assert.Null(session.Accept(Guid.NewGuid()));
        worker!.Dispose();

        SharedSession untouched = memory.Offer();
        Assert.Null(untouched.Accept(Guid.Empty));
        SharedSession other = memory.Offer();
        Assert.Null(other.Accept(Guid.NewGuid()));
        Assert.Equal([session.Paths.ParametersFile], memory.Files);
        long ticket = 1;
        Assert.False(other.TryTake(ticket, out _));
    }

    [Fact]
    public void Files_of_another_folder_are_not_found()
    {
        using SharedMemoryFixture here = new();
        using SharedMemoryFixture there = new();
        SharedSession session = here.Offer();
        Assert.Contains(session.Paths.GradientsFile, Refusal(there, session.Paths), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_with_another_nonce_is_refused()
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        SharedSession other = memory.Offer();
        Assert.Contains("nonce", Refusal(memory, session.Paths with { GradientsFile = other.Paths.GradientsFile }), StringComparison.Ordinal);
        Assert.Contains("nonce", Refusal(memory, session.Paths with { Nonce = default }), StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_of_another_coordinator_are_refused()
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        Assert.True(SharedMemoryHost.TryCreate(memory.Run, 8, SharedMemoryFixture.Sizes(), out SharedMemoryHost? other, out _, folder: memory.Folder));
        using (other)
        {
            ISharedMemoryOffer theirs = other.Offer(Guid.NewGuid(), threads: 1)!;
            Assert.Contains("another coordinator", Refusal(memory, session.Paths with { ParametersFile = theirs.Paths.ParametersFile }), StringComparison.Ordinal);
            theirs.Withdraw();
        }
    }

    [Theory]
    [InlineData("../distnet-00000000-1-00000000000000000000000000000000")]
    [InlineData("/etc/passwd")]
    [InlineData("")]
    [InlineData("distnet-00000000-1-0000000000000000000000000000000")]
    [InlineData("distnet-00000000-1-00000000000000000000000000000000\n")]
    [InlineData("distnet-0000000G-1-00000000000000000000000000000000")]
    [InlineData("distnet-00000000--1-00000000000000000000000000000000")]
    public void A_name_that_we_do_not_make_is_never_looked_up(string name)
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        Assert.Contains("names", Refusal(memory, session.Paths with { GradientsFile = name }), StringComparison.Ordinal);
        Assert.Contains("names", Refusal(memory, session.Paths with { ParametersFile = name }), StringComparison.Ordinal);
    }

    [Fact]
    public void Our_names_are_ours()
    {
        Assert.True(SharedMemoryFolder.IsName(SharedMemoryFolder.NewName(RunId.Create(), int.MaxValue)));
        Assert.NotEqual(SharedMemoryFolder.NewName(default, 1), SharedMemoryFolder.NewName(default, 1));
    }

    [Fact]
    public void A_truncated_file_is_refused()
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        using (FileStream file = new(Path.Combine(memory.Folder, session.Paths.GradientsFile), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(session.Paths.GradientsBytes - 4096);
        }

        Assert.Contains("bytes where", Refusal(memory, session.Paths), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(-5L)]
    [InlineData(long.MaxValue)]
    [InlineData(4096L)]
    public void A_foreign_length_is_refused(long bytes)
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        Assert.Contains("bytes", Refusal(memory, session.Paths with { GradientsBytes = bytes }), StringComparison.Ordinal);
        Assert.Contains("model", Refusal(memory, session.Paths with { ParametersBytes = bytes }), StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_of_another_model_is_refused()
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        SharedMemorySizes[] others =
        [
            SharedMemoryFixture.Sizes(floats: SharedMemoryFixture.Floats + 16),
            SharedMemoryFixture.Sizes(floats: SharedMemoryFixture.Floats + 2048),
        ];
        foreach (SharedMemorySizes other in others)
        {
            Assert.False(memory.TryOpen(session.Paths, out _, out _, out string? reason, other));
            Assert.Contains("model", reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_file_that_is_not_laid_out_as_gradients_is_refused()
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        string name = SharedMemoryFolder.NewName(memory.Run, 7);
        File.WriteAllBytes(Path.Combine(memory.Folder, name), new byte[session.Paths.GradientsBytes]);
        Assert.Contains("laid out", Refusal(memory, session.Paths with { GradientsFile = name }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_symbolic_link_and_a_folder_are_refused()
    {
        using SharedMemoryFixture memory = new();
        SharedSession session = memory.Offer();
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        string link = SharedMemoryFolder.NewName(memory.Run, 7);
        File.CreateSymbolicLink(Path.Combine(memory.Folder, link), Path.Combine(memory.Folder, session.Paths.GradientsFile));
        string folder = SharedMemoryFolder.NewName(memory.Run, 7);
        Directory.CreateDirectory(Path.Combine(memory.Folder, folder));
        Assert.Contains(OperatingSystem.IsLinux() ? "regular file" : "symbolic link", Refusal(memory, session.Paths with { GradientsFile = link }), StringComparison.Ordinal);
        Refusal(memory, session.Paths with { GradientsFile = folder });
        Assert.True(memory.TryOpen(session.Paths, out SharedWorkerPlane? worker, out _, out _));
        worker!.Dispose();
    }

    private static string Refusal(SharedMemoryFixture memory, SharedMemoryPaths offer)
    {
        Assert.False(memory.TryOpen(offer, out SharedWorkerPlane? plane, out Guid proof, out string? reason));
        Assert.Null(plane);
        Assert.NotEqual(Guid.Empty, proof);
        Assert.False(string.IsNullOrEmpty(reason));
        return reason!;
    }
}
