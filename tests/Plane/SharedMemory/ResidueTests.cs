using DistNet.Coordinator.Plane;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.SharedMemory;

/// <summary>What is left: nothing, however it ends.</summary>
public sealed class ResidueTests
{
    [Fact]
    public void A_full_folder_gives_an_exception_instead_of_a_fault_and_leaves_no_file()
    {
        using SharedMemoryFixture memory = new();
        string[] before = memory.Files;
        long beyond = new DriveInfo(memory.Folder).AvailableFreeSpace + (1L << 30);
        using (SharedMapping mapping = SharedMapping.Create(Path.Combine(memory.Folder, SharedMemoryFolder.NewName(memory.Run, 7)), beyond))
        {
            Assert.Contains("are free", Assert.Throws<IOException>(() => mapping.Reserve(0, beyond)).Message, StringComparison.Ordinal);
        }

        Assert.ThrowsAny<IOException>(() => SharedMapping.Create(Path.Combine(memory.Folder, SharedMemoryFolder.NewName(memory.Run, 7)), long.MaxValue));
        Assert.Equal(before, memory.Files);
    }

    [Fact]
    public void A_folder_that_is_not_there_gives_a_sentence()
    {
        string missing = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));
        Assert.False(SharedMemoryHost.TryCreate(RunId.Create(), 1, SharedMemoryFixture.Sizes(), out _, out string? sentence, folder: missing));
        Assert.StartsWith("Shared memory is not used: ", sentence, StringComparison.Ordinal);
        Assert.Contains(missing, sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void What_nobody_has_open_is_removed_at_the_next_start_and_nothing_else()
    {
        using SharedMemoryFixture memory = new();
        SharedSession live = memory.Offer();
        string abandoned = SharedMemoryFolder.NewName(memory.Run, 6);
        string foreign = "distnet-notes.txt";
        File.WriteAllText(Path.Combine(memory.Folder, abandoned), "left by a killed process");
        File.WriteAllText(Path.Combine(memory.Folder, foreign), "someone's");

        Assert.True(SharedMemoryHost.TryCreate(memory.Run, 8, SharedMemoryFixture.Sizes(), out SharedMemoryHost? next, out _, folder: memory.Folder));

        next.Dispose();
        Assert.Equal(new[] { foreign, live.Paths.GradientsFile, live.Paths.ParametersFile }.Order(), memory.Files);
    }

    [Fact]
    public void A_worker_that_keeps_reading_does_not_keep_the_file_of_a_dead_coordinator()
    {
        using SharedMemoryFixture memory = new();
        string name = SharedMemoryFolder.NewName(memory.Run, 6);
        string path = Path.Combine(memory.Folder, name);
        SharedParameters maker = SharedParameters.Create(path, SharedMemoryFixture.Sizes(floats: 100));
        using SharedParameters reader = SharedParameters.Open(path, SharedMemoryFixture.Sizes(floats: 100), maker.Nonce);
        Assert.Equal(0, SharedMemoryFolder.RemoveAbandoned(memory.Folder));
        string other = Path.Combine(memory.Folder, "kept");
        File.Move(path, other);
        maker.Dispose();
        File.Move(other, path);

        Assert.Equal(1, SharedMemoryFolder.RemoveAbandoned(memory.Folder));

        Assert.Equal(new float[100], reader.Memory.Values.ToArray());
    }

    [Fact]
    public void Two_hundred_sessions_leave_no_handle_no_mapping_and_no_file()
    {
        using SharedMemoryFixture memory = new();
        Session(memory);
        (int Handles, int Mappings) before = (Handles(memory), Mappings(memory));
        for (int session = 0; session < 200; session++)
        {
            Session(memory);
        }

        Assert.Equal(before.Mappings, Mappings(memory));
        Assert.Equal(before.Handles, Handles(memory));
        Assert.Single(memory.Files);
    }

    private static void Session(SharedMemoryFixture memory)
    {
        (SharedSession coordinator, SharedWorkerPlane worker) = memory.Open();
        long ticket = SharedMemoryFixture.Deliver(worker, 1);
        GradientLease unsent = worker.Lease();
        Assert.True(coordinator.TryTake(ticket, out GradientLease? lease));
        coordinator.End();
        worker.Dispose();
        unsent.Return();
        lease.Return();
    }

    // Other tests of the process open files of their own meanwhile: only those of this memory's folder count, removed ones too.
    private static int Handles(SharedMemoryFixture memory) =>
        Directory.Exists("/proc/self/fd") ? Directory.GetFiles("/proc/self/fd").Count(handle => Target(handle).Contains(memory.Folder, StringComparison.Ordinal)) : 0;

    private static string Target(string handle)
    {
        try
        {
            return new FileInfo(handle).LinkTarget ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static int Mappings(SharedMemoryFixture memory) =>
        File.Exists("/proc/self/maps") ? File.ReadLines("/proc/self/maps").Count(line => line.Contains(memory.Folder, StringComparison.Ordinal)) : 0;
}
