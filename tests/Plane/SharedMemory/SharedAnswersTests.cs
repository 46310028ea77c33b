using System.Runtime.InteropServices;
using DistNet.Protocol;
using DistNet.Protocol.SharedMemory;
using Xunit;

namespace DistNet.Plane.Tests.SharedMemory;

/// <summary>The ring of answers by itself: both ends in one process, over one mapping.</summary>
public sealed class SharedAnswersTests
{
    [Fact]
    public void What_is_written_is_read_in_order_round_the_ring_and_a_full_ring_takes_nothing()
    {
        using Ends ends = new();
        Random random = new(1);
        Queue<byte[]> written = new();
        int refused = 0;
        for (int round = 0; round < 20_000; round++)
        {
            if (random.Next(100) < 52)
            {
                byte[] message = new byte[random.Next(4) == 0 ? random.Next(1, ControlLimits.MessageBytes + 1) : random.Next(1, 300)];
                random.NextBytes(message);
                if (ends.Worker.TryWrite(message))
                {
                    written.Enqueue(message);
                }
                else
                {
                    refused++;
                    Assert.True(written.Sum(one => one.Length + sizeof(int)) + message.Length + sizeof(int) > Ends.RingBytes);
                }
            }
            else
            {
                Assert.Equal(written.TryDequeue(out byte[]? expected), ends.Coordinator.TryRead(out byte[]? message));
                Assert.Equal(expected, message);
            }
        }

        Assert.True(refused > 100);
    }

    [Fact]
    public async Task Two_threads_pass_messages_on_whole()
    {
        using Ends ends = new();
        const int Messages = 200_000;
        Task<bool> writes = OwnThread.Run("test-worker", () =>
        {
            byte[] message = new byte[237];
            for (int number = 0; number < Messages;)
            {
                message.AsSpan().Fill((byte)number);
                MemoryMarshal.Write(message, number);
                int length = 5 + (number % 233);
                number += ends.Worker.TryWrite(message.AsSpan(0, length)) ? 1 : 0;
            }

            return true;
        });
        for (int number = 0; number < Messages;)
        {
            if (ends.Coordinator.TryRead(out byte[]? message))
            {
                Assert.Equal(number, MemoryMarshal.Read<int>(message));
                Assert.Equal(5 + (number % 233), message.Length);
                Assert.Equal((byte)number, message[^1]);
                number++;
            }
        }

        Assert.True(await writes);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(ControlLimits.MessageBytes + 1)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    public void A_length_that_cannot_be_is_refused(int length)
    {
        using Ends ends = new();
        Assert.True(ends.Worker.TryWrite([1, 2]));
        MemoryMarshal.Write(ends.Mapping.Memory<byte>(Ends.Offset + 4096, 4).Span, length);
        Assert.Throws<IOException>(() => ends.Coordinator.TryRead(out _));
    }

    [Theory]
    [InlineData(-1L)]
    [InlineData(1L)]
    [InlineData(4L)]
    [InlineData(Ends.RingBytes + 1L)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void A_count_of_what_is_written_that_cannot_be_is_refused(long written)
    {
        using Ends ends = new();
        ends.Mapping.Word(Ends.Offset + 64) = written;
        Assert.Throws<IOException>(() => ends.Coordinator.TryRead(out _));
    }

    [Theory]
    [InlineData(1L)]
    [InlineData(-Ends.RingBytes - 1L)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void A_count_of_what_is_read_that_cannot_be_is_refused(long read)
    {
        using Ends ends = new();
        ends.Mapping.Word(Ends.Offset) = read;
        Assert.Throws<IOException>(() => ends.Worker.TryWrite([1]));
    }

    [Fact]
    public void Whatever_is_scribbled_there_is_a_message_none_or_refused()
    {
        using Ends ends = new();
        int messages = 0, refused = 0;
        for (int seed = 0; seed < 20_000; seed++)
        {
            Random random = new(seed);
            SharedAnswers worker = new(ends.Mapping, Ends.Offset), coordinator = new(ends.Mapping, Ends.Offset);
            ends.Mapping.Word(Ends.Offset) = ends.Mapping.Word(Ends.Offset + 64) = 0;
            Assert.True(worker.TryWrite(new byte[random.Next(1, 200)]) && worker.TryWrite(new byte[random.Next(1, 200)]));
            Span<byte> memory = ends.Mapping.Memory<byte>(Ends.Offset, SharedAnswers.Bytes).Span;
            memory[random.Next(2) == 0 ? 64 + random.Next(8) : 4096 + random.Next(300)] ^= (byte)(1 << random.Next(8));
            try
            {
                for (int most = 0; most < 10 && coordinator.TryRead(out byte[]? message); most++)
                {
                    Assert.InRange(message.Length, 1, ControlLimits.MessageBytes);
                    messages++;
                }
            }
            catch (IOException)
            {
                refused++;
            }
        }

        Assert.True(messages > 10_000 && refused > 1_000, $"{messages} messages, {refused} refused");
    }

    private sealed class Ends : IDisposable
    {
        public const int Offset = 4096;
        public const int RingBytes = SharedAnswers.Bytes - 4096;

        private readonly string folder = Directory.CreateTempSubdirectory("distnet-answers-").FullName;

        public Ends()
        {
            Mapping = SharedMapping.Create(Path.Combine(folder, "answers"), Offset + SharedAnswers.Bytes);
            Worker = new SharedAnswers(Mapping, Offset);
            Coordinator = new SharedAnswers(Mapping, Offset);
        }

        public SharedMapping Mapping { get; }

        public SharedAnswers Worker { get; }

        public SharedAnswers Coordinator { get; }

        public void Dispose()
        {
            Mapping.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }
}
